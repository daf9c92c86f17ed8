//! Today's reducer on yesterday's recording.

use super::super::replay::{Deviation, Recorded, Recording};

/// What another reducer makes of a recording.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refolded {
    /// How many frames were replayed.
    pub frames: usize,
    /// How many of them have a digest to compare with. Where none has, only panics and the invariant are looked at.
    pub compared: usize,
    /// Where it first comes to another state, panics, or breaks its invariant.
    pub changed: Option<Deviation>,
    /// The fingerprint of the reducer that the recording was made with, if it is known.
    pub recorded: Option<u64>,
    /// That of this program's.
    pub now: u64,
}

impl Recording {
    /// Replays a recording that another version of the reducer made, and says whether the states changed and where.
    pub fn refold<S: Recorded>(&self) -> Refolded {
        let replay = self.replay::<S>(u64::MAX);
        let compared = self.frames.iter().filter(|frame| frame.digest.is_some()).count();
        let changed = replay.deviations.into_iter().next();
        Refolded {
            frames: replay.frames,
            compared,
            changed,
            recorded: self.fingerprint,
            now: S::fingerprint(),
        }
    }
}
