//! A whole replay: the state that a recording leads to, and where the replay differs from the recording.

use super::super::{
    progress::{self, Progress},
    replay::{Deviation, Player, Recorded, Recording},
};

/// Deviations beyond this many are only counted: the first says most.
const KEPT: usize = 64;

/// The outcome of a replay.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replay<S> {
    /// The state after the last replayed frame. `None` for a recording without frames, and if the session does not begin.
    pub state: Option<S>,
    /// How many frames were replayed.
    pub frames: usize,
    /// Where it differs from the recording: the first 64, in order.
    pub deviations: Vec<Deviation>,
    /// How many there are in all.
    pub deviating: usize,
    /// The last recorded panic that the replay repeated.
    pub recorded_panic: Option<Deviation>,
    /// Intents that could not be applied, as the record has only their names. Each may be the reason for other deviations.
    pub opaque: usize,
}

impl<S> Replay<S> {
    /// Whether it agrees with the recording, as far as the record tells.
    pub fn is_same(&self) -> bool {
        self.deviating == 0
    }
}

impl Recording {
    /// Applies the recorded frames up to this number (`u64::MAX` for all) to a state of its own, without the program around the
    /// reducer. Nothing is printed, and no effect is performed.
    ///
    /// A panic of the reducer, or of its `Deserialize`, is caught: if it is recorded too, the replay continues as the program did.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer};
    /// use control_panel::journal::{
    ///     Journal, JournalError, Recorded, Recording, Start,
    /// };
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Debug, GraphIntent, Serialize, Deserialize)]
    /// # enum Update { Add(u32) }
    /// # #[derive(Debug, Default)]
    /// # struct Total(u32);
    /// # impl Reducer for Total {
    /// #     type Intent = Update;
    /// #     fn apply(&mut self, queued: QueuedIntent<Update>) {
    /// #         let Update::Add(n) = queued.intent;
    /// #         self.0 += n;
    /// #     }
    /// # }
    /// # impl Recorded for Total {
    /// #     fn begin(_: &Start<'_>) -> Result<Self, JournalError> { Ok(Self::default()) }
    /// # }
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.journal");
    /// let journal = Journal::open(&path)?;
    /// let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    /// let mut total: Total = journal.begin()?;
    /// for n in 1..4 {
    ///     panel.run_frame(
    ///         &mut total,
    ///         &mut (),
    ///         [(IntentSource::LocalUI, Update::Add(n))],
    ///     );
    /// }
    /// drop(panel);
    /// journal.close()?;
    ///
    /// let recording = Recording::open(&path)?;
    /// let replay = recording.replay::<Total>(2);
    /// assert!(replay.is_same());
    /// assert_eq!(replay.state.unwrap().0, 1 + 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replay<S: Recorded>(&self, to_frame: u64) -> Replay<S> {
        self.replay_with(to_frame, |_, _| ())
    }

    /// The same; `after` gets the state after each frame with the frame's number, for progress and inspection.
    pub fn replay_with<S: Recorded>(
        &self,
        to_frame: u64,
        mut after: impl FnMut(u64, Option<&S>),
    ) -> Replay<S> {
        let mut player = Player::<S>::new();
        let mut replay = Replay {
            state: None,
            frames: 0,
            deviations: Vec::new(),
            deviating: 0,
            recorded_panic: None,
            opaque: 0,
        };
        let frames = self.upto(to_frame);
        progress::say(Progress::Phase("replaying", frames.len()));
        for frame in frames {
            let result = player.play(self, frame);
            replay.frames += 1;
            replay.opaque += result.opaque;
            replay.recorded_panic = result.recorded_panic.or(replay.recorded_panic);
            replay.deviating += result.deviations.len();
            let room = KEPT.saturating_sub(replay.deviations.len());
            replay.deviations.extend(result.deviations.into_iter().take(room));
            after(frame.number, player.state());
        }
        replay.state = player.into_state();
        replay
    }

    /// Each intent as text, with its frame and its place in it, up to this frame.
    pub fn each_intent<S: Recorded>(&self, to_frame: u64, mut each: impl FnMut(u64, usize, String)) {
        let mut player = Player::<S>::new();
        let frames = self.upto(to_frame);
        progress::say(Progress::Phase("replaying", frames.len()));
        for frame in frames {
            player.catch_up(self, frame.session);
            for (place, intent) in frame.intents.iter().enumerate() {
                each(frame.number, place, player.describe(intent));
            }
            // Later intents may name operations of a replica that this one makes.
            player.play(self, frame);
        }
    }

    /// Why the reducer fails, if it does: the first panic, in the record or not, or the first frame after which its
    /// [invariant](Recorded::invariant) does not hold.
    pub fn failure<S: Recorded>(&self) -> Option<Deviation> {
        let mut player = Player::<S>::new();
        self.frames.iter().find_map(|frame| player.play(self, frame).failure().cloned())
    }
}
