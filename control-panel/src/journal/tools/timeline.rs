//! The state at any recorded frame, there and back.

use std::collections::BTreeMap;

use super::super::replay::{Deviation, Player, Recorded, Recording};

/// The maximum number of copies of the state.
const KEPT: usize = 64;

/// The state at any recorded frame: for a slider over an application's past.
///
/// Going forward, it replays from where it is. Going back, it begins with the nearest copy of the state that it kept on its way
/// ([`Recorded::copy`]), or with the first frame of that session; sessions in between are not replayed. It is pure: the running program
/// is not affected. It keeps the recording in memory, one state and at most 64 copies.
///
/// ```
/// # use control_panel::{ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer};
/// use control_panel::journal::{
///     Journal, JournalError, Recorded, Recording, Start, Timeline,
/// };
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
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.journal");
/// # let journal = Journal::open(&path)?;
/// # let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
/// # let mut total: Total = journal.begin()?;
/// # for n in 1..=10 {
/// #     panel.run_frame(&mut total, &mut (), [(IntentSource::LocalUI, Update::Add(n))]);
/// # }
/// # drop(panel);
/// # journal.close()?;
/// let mut timeline = Timeline::<Total>::new(Recording::open(&path)?);
/// let (first, last) = timeline.frames().unwrap(); // the slider's ends
/// assert_eq!((first, last), (1, 10));
/// for (frame, total) in [(10, 55), (9, 45), (1, 1), (4, 10)] {
///     assert_eq!(timeline.at(frame).unwrap().0, total); // wherever it is dragged
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Timeline<S: Recorded> {
    recording: Recording,
    player: Player<S>,
    /// How many of the recording's frames are in the player's state.
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

    /// The numbers of the first and the last frame in the journal; `None` if there are none.
    pub fn frames(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.recording.frames.first()?, self.recording.frames.last()?);
        Some((first.number, last.number))
    }

    /// The state after this frame, or after the last recorded one before it. `None` before the first frame, and if the session does not
    /// begin.
    ///
    /// Cost: going forward, the frames in between; going back, with copies at most 1/32 of the recording, without them the frames of that
    /// session before it. Entering another session also costs its [`Recorded::begin`].
    pub fn at(&mut self, frame: u64) -> Option<&S> {
        let wanted = self.recording.upto(frame).len();
        let session = self.recording.frames[..wanted].last()?.session;
        // A session begins with what those before it left on disk, not with their last state.
        let begins = self.recording.before(session).len();
        if wanted < self.played || begins > self.played {
            self.go_to(begins, wanted);
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

    /// Goes on with a later reading of the same journal ([`Journal::recording`](crate::journal::Journal::recording)): what it replayed stays.
    /// With another recording, or where the beginning was let go of meanwhile, it begins anew.
    pub fn follow(&mut self, recording: Recording) {
        let last = |of: &Recording| of.frames.get(self.played.wrapping_sub(1)).map(|frame| frame.number);
        let goes_on = recording.gone == self.recording.gone && last(&recording) == last(&self.recording);
        self.recording = recording;
        if !goes_on {
            self.player.rewind();
            self.copies.clear();
            (self.played, self.interval, self.deviation) = (0, 1, None);
        }
    }

    /// The first frame seen so far that differs from the recording: later states may be wrong too.
    pub fn deviation(&self) -> Option<&Deviation> {
        self.deviation.as_ref()
    }

    /// What it is over.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// To the nearest copy in the session that begins there, or to its beginning.
    fn go_to(&mut self, begins: usize, wanted: usize) {
        let copy = self.copies.range(begins + 1..=wanted).next_back();
        let copy = copy.and_then(|(played, (session, state))| Some((*played, *session, state.copy()?)));
        if let Some((played, session, state)) = copy {
            self.player.resume(session, state);
            self.played = played;
        } else {
            self.player.rewind();
            self.played = begins;
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
