//! Today's reducer on yesterday's recording.

use super::super::replay::{Deviation, Player, Recorded, RecordedFrame, Recording};
use crate::{
    frame::Ending,
    util::{difference::outlined::outlined, panics},
};

/// The states of at most this many frames are noted.
const NOTED: usize = 1_000;

/// The outcome of replaying a recording with another reducer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refolded {
    /// How many frames were replayed.
    pub frames: usize,
    /// After how many of them states were compared. If 0, only panics and the invariant were checked: see
    /// [`Recording::noting_states`].
    /// [`Recording::noting_states`].
    pub compared: usize,
    /// Where it first reaches another state, panics, or breaks its invariant.
    pub changed: Option<Deviation>,
    /// The last frame before that one after which the states were compared and equal.
    pub same_at: Option<u64>,
    /// The fingerprint of the reducer that the recording was made with, if it is known.
    pub recorded: Option<u64>,
    /// The fingerprint of this program's reducer.
    pub now: u64,
}

impl Recording {
    /// Replays a recording that another version of the reducer made, and returns whether the states changed and where.
    ///
    /// What it compares with is in the recording: the [digest](crate::Reducer::digest) of each frame, where the reducer has one, and the states
    /// that [`noting_states`](Self::noting_states) notes.
    pub fn refold<S: Recorded>(&self) -> Refolded {
        let replay = self.replay::<S>(u64::MAX);
        let changed = replay.deviations.into_iter().next();
        let before = changed.as_ref().map_or(u64::MAX, |changed| changed.frame.saturating_sub(1));
        Refolded {
            frames: replay.frames,
            compared: self.frames.iter().filter(|frame| is_compared(frame)).count(),
            same_at: self.upto(before).iter().rfind(|frame| is_compared(frame)).map(|frame| frame.number),
            changed,
            recorded: self.fingerprint,
            now: S::fingerprint(),
        }
    }

    /// The recording with notes of the states that this program's reducer reaches: for a later [`refold`](Self::refold) by a reducer
    /// without a [digest](crate::Reducer::digest). Make it with the version that recorded it, and keep [its bytes](Self::to_bytes).
    ///
    /// States are compared by their `Debug` output, entries of maps and sets in any order; the first field that differs is named. After at most
    /// 1,000 frames, spread evenly, and the last.
    ///
    /// Cost: a replay, and the `Debug` output of the state for each frame that is noted.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer};
    /// use control_panel::journal::{
    ///     Journal, JournalError, Recorded, Recording, Start,
    /// };
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Debug, GraphIntent, Serialize, Deserialize)]
    /// # enum Update { Add(u32) }
    /// /// Adds up, `MOST` at a time.
    /// #[derive(Debug, Default)]
    /// struct Total<const MOST: u32> {
    ///     sum: u32,
    /// }
    /// # impl<const MOST: u32> Reducer for Total<MOST> {
    /// #     type Intent = Update;
    /// #     fn apply(&mut self, queued: QueuedIntent<Update>) {
    /// #         let Update::Add(n) = queued.intent;
    /// #         self.sum += n.min(MOST);
    /// #     }
    /// # }
    /// # impl<const MOST: u32> Recorded for Total<MOST> {
    /// #     fn begin(_: &Start<'_>) -> Result<Self, JournalError> { Ok(Self::default()) }
    /// # }
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.journal");
    /// # let journal = Journal::open(&path)?;
    /// # let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    /// # let mut total: Total<9> = journal.begin()?;
    /// # for n in 1..=5 {
    /// #     panel.run_frame(&mut total, &mut (), [(IntentSource::LocalUI, Update::Add(n))]);
    /// # }
    /// # drop(panel);
    /// # journal.close()?;
    /// // 1, 2, 3, 4 and 5 were added.
    /// let kept = Recording::open(&path)?.noting_states::<Total<9>>().to_bytes();
    ///
    /// // A later version takes 2 at most.
    /// let refolded = Recording::from_bytes(&kept)?.refold::<Total<2>>();
    /// assert_eq!(refolded.same_at, Some(2));
    /// assert_eq!(
    ///     refolded.changed.unwrap().to_string(),
    ///     "frame 3: the state is another, in `sum`"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn noting_states<S: Recorded>(mut self) -> Self {
        let interval = self.frames.len().div_ceil(NOTED).max(1);
        let last = self.frames.len().saturating_sub(1);
        self.frames.iter_mut().for_each(|frame| frame.outlined.clear());
        let mut player = Player::<S>::new();
        let mut noted = Vec::new();
        for (index, frame) in self.frames.iter().enumerate() {
            player.play(&self, frame);
            if (index % interval == 0 || index == last)
                // Other frames are not compared.
                && frame.head.ending == Ending::Settled
                && let Some(state) = player.state()
                && let Ok(outlined) = panics::catch_silently(|| outlined(state))
            {
                noted.push((index, outlined));
            }
        }
        for (index, outlined) in noted {
            self.frames[index].outlined = outlined;
        }
        self
    }
}

fn is_compared(frame: &RecordedFrame) -> bool {
    frame.digest.is_some() || !frame.outlined.is_empty()
}
