//! The state at any recorded frame, there and back.

use std::collections::BTreeMap;

use super::super::replay::{Deviation, Player, Recorded, Recording};

/// Copies of the state that are kept at most.
const KEPT: usize = 64;

/// The state at any recorded frame: for a slider over an application's past.
///
/// Forward it replays from where it is. Back it begins with the nearest copy of the state that it kept on its way
/// ([`Recorded::copy`]), or with the first frame. It is pure: nothing of the running program changes.
///
/// ```
/// # use control_panel::{GraphIntent, IntentSource, QueuedIntent, Reducer};
/// use control_panel::journal::{JournalError, Recorded, Recording, Start, Timeline};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, GraphIntent, Serialize, Deserialize)]
/// # enum Update { Add(u32) }
/// #[derive(Clone, Debug, Default)]
/// struct Total(u32);
/// # impl Reducer for Total {
/// #     type Intent = Update;
/// #     fn apply(&mut self, queued: QueuedIntent<Update>) {
/// #         let Update::Add(n) = queued.intent;
/// #         self.0 += n;
/// #     }
/// # }
///
/// impl Recorded for Total {
///     fn begin(_: &Start<'_>) -> Result<Self, JournalError> {
///         Ok(Self::default())
///     }
///
///     fn copy(&self) -> Option<Self> {
///         Some(self.clone())
///     }
/// }
///
/// let mut timeline = Timeline::<Total>::new(Recording::default());
/// assert_eq!(timeline.frames(), None);
/// assert!(timeline.at(1).is_none());
/// ```
#[derive(Debug)]
pub struct Timeline<S: Recorded> {
    recording: Recording,
    player: Player<S>,
    /// How many of the recording's frames the player's state has.
    played: usize,
    /// By how many frames each has.
    copies: BTreeMap<usize, (usize, S)>,
    /// Copies are kept at multiples of it.
    interval: usize,
    deviation: Option<Deviation>,
}

impl<S: Recorded> Timeline<S> {
    /// A timeline over these frames. Replays nothing yet.
    pub fn new(recording: Recording) -> Self {
        let (player, copies) = (Player::new(), BTreeMap::new());
        Self { recording, player, played: 0, copies, interval: 1, deviation: None }
    }

    /// The first and the last frame, by the journal's numbers; `None` where there are none.
    pub fn frames(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.recording.frames.first()?, self.recording.frames.last()?);
        Some((first.number, last.number))
    }

    /// The state after this frame; of the last one before it, where it has no record of its own. `None` before the first, and where
    /// the session does not begin.
    ///
    /// Cost: the frames between, forward; back with copies, one part in 64 of the recording at most.
    pub fn at(&mut self, frame: u64) -> Option<&S> {
        let wanted = self.recording.upto(frame).len();
        if wanted == 0 {
            return None;
        }
        if wanted < self.played {
            self.go_back(wanted);
        }
        while self.played < wanted {
            let played = self.player.play(&self.recording, &self.recording.frames[self.played]);
            self.played += 1;
            let deviation = played.deviations.into_iter().next();
            if let Some(found) = deviation
                && self.deviation.as_ref().is_none_or(|known| found.frame < known.frame)
            {
                self.deviation = Some(found);
            }
            self.keep();
        }
        self.player.state()
    }

    /// The first frame seen so far that is not what was recorded: what is after it may not be what was.
    pub fn deviation(&self) -> Option<&Deviation> {
        self.deviation.as_ref()
    }

    /// What it is over.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    fn go_back(&mut self, wanted: usize) {
        let copy = self.copies.range(..=wanted).next_back();
        let copy = copy.and_then(|(played, (session, state))| Some((*played, *session, state.copy()?)));
        if let Some((played, session, state)) = copy {
            self.player.resume(session, state);
            self.played = played;
        } else {
            self.player = Player::new();
            self.played = 0;
        }
    }

    fn keep(&mut self) {
        if self.played % self.interval != 0 || self.copies.contains_key(&self.played) {
            return;
        }
        let Some(copy) = self.player.state().and_then(Recorded::copy) else { return };
        self.copies.insert(self.played, (self.player.session(), copy));
        if self.copies.len() > KEPT {
            // Chosen by their places, not by their ages: so they stay spread evenly.
            self.interval *= 2;
            let interval = self.interval;
            self.copies.retain(|played, _| played % interval == 0);
        }
    }
}
