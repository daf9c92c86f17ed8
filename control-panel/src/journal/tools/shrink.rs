//! Shrinks a failing recording to the few intents that make it fail.

use super::{
    super::{
        progress::{self, Progress},
        replay::{Deviation, Player, Recorded, RecordedFrame, Recording},
    },
    ddmin::ddmin,
};
use crate::{frame::Ending, journal::intents::Head};

/// The few intents of a recording that make it fail for the same reason.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Shrunk {
    /// A recording of these alone.
    pub recording: Recording,
    /// Why it fails.
    pub failure: Deviation,
    /// How many replays that took.
    pub replays: usize,
    /// Whether each of them is needed. `false` if the permitted replays were used up.
    pub minimal: bool,
    /// The intents, a line each, as they are applied.
    pub intents: Vec<String>,
}

impl Recording {
    /// Finds the few intents with which the reducer [fails](Self::failure) for the same reason: a panic at the same place, or an invariant
    /// that does not hold in the same words, whatever the numbers in them. `None` if it does not fail.
    ///
    /// Replays at most `most` times, each time with fewer intents. Calls `tried` after each replay with the number that is left.
    ///
    /// Operations of other replicas depend on each other: those that others need are kept.
    pub fn shrink<S: Recorded>(&self, most: usize, mut tried: impl FnMut(usize)) -> Option<Shrunk> {
        progress::say(Progress::Phase("replaying", self.frames.len()));
        let failure = self.failure::<S>()?;
        let mut search = Search { failure, replays: 0, most };
        let mut smallest = self.upto_frame(search.failure.frame);
        // Frames without intents are many and rarely matter; frames' borders matter more often.
        for simpler in [Self::without_empty_frames, Self::in_one_frame] {
            let simpler = simpler(&smallest);
            if simpler != smallest && search.fails::<S>(&simpler) {
                smallest = simpler;
            }
        }
        let (count, most) = (smallest.intents(), search.most.saturating_sub(search.replays));
        progress::say(Progress::Phase("intents left", self.intents()));
        progress::say(Progress::Left(count));
        let found = ddmin(count, most, |kept| {
            let fails = search.fails::<S>(&smallest.only(kept));
            tried(kept.len());
            if fails {
                progress::say(Progress::Left(kept.len()));
            }
            fails
        });
        let mut recording = smallest.only(&found.kept);
        let one = recording.in_one_frame();
        if search.replays < search.most && one != recording && search.fails::<S>(&one) {
            recording = one;
        }
        let recording = recording.with_named_runs::<S>();
        let failure = recording.failure::<S>()?;
        let intents = recording.describe::<S>();
        let (replays, minimal) = (search.replays + 1, found.minimal);
        Some(Shrunk { recording, failure, replays, minimal, intents })
    }

    fn upto_frame(&self, number: u64) -> Self {
        let mut head = self.clone_head();
        let frames = self.upto(number).to_vec();
        // The state with which later sessions began is not used.
        head.sessions.truncate(frames.last().map_or(0, |frame| frame.session + 1));
        Self { frames, ..head }
    }

    /// An intent has the runs of its frame, also if it names none: what a peer said is in no one's test without need.
    fn with_named_runs<S: Recorded>(mut self) -> Self {
        let mut player = Player::<S>::new();
        let mut named = Vec::with_capacity(self.intents());
        for frame in &self.frames {
            player.catch_up(&self, frame.session);
            named.extend(frame.intents.iter().map(|intent| !player.runs(intent).is_empty()));
        }
        let intents = self.frames.iter_mut().flat_map(|frame| &mut frame.intents);
        for (intent, _) in intents.zip(named).filter(|(_, named)| !named) {
            intent.runs = [].into();
        }
        self
    }

    fn clone_head(&self) -> Self {
        let (sessions, restored) = (self.sessions.clone(), self.restored.clone());
        let founded = self.founded.clone();
        Self {
            fingerprint: self.fingerprint,
            founded,
            sessions,
            frames: Vec::new(),
            gone: self.gone,
            restored,
        }
    }

    /// Without digests, as it is another run; what panicked may not, and the other way round.
    fn without_empty_frames(&self) -> Self {
        let simpler =
            |frame: &RecordedFrame| RecordedFrame { head: Head::default(), digest: None, ..frame.clone() };
        let frames = self.frames.iter().filter(|frame| !frame.intents.is_empty()).map(simpler);
        Self { frames: frames.collect(), ..self.clone_head() }
    }

    /// All intents of a session in one frame, but each that panicked ends one.
    fn in_one_frame(&self) -> Self {
        let mut frames = Vec::<RecordedFrame>::new();
        for frame in &self.frames {
            match frames.last_mut() {
                Some(last) if last.session == frame.session && last.head.ending == Ending::Settled => {
                    last.intents.extend(frame.intents.iter().cloned());
                    last.head.ending = frame.head.ending;
                }
                _ => frames.push(RecordedFrame { digest: None, ..frame.clone() }),
            }
        }
        Self { frames, ..self.clone_head() }
    }

    /// These intents alone, counted through all frames, in their frames. Frames without any go.
    fn only(&self, kept: &[usize]) -> Self {
        let mut kept = kept.iter().copied().peekable();
        let (mut frames, mut at) = (Vec::new(), 0);
        for frame in &self.frames {
            let end = at + frame.intents.len();
            let mut intents = Vec::new();
            while let Some(index) = kept.next_if(|index| *index < end) {
                intents.push(frame.intents[index - at].clone());
            }
            at = end;
            if !intents.is_empty() {
                // The intent that it panicked on is gone.
                let is_whole = intents.last() == frame.intents.last();
                let mut frame = frame.with_intents(intents);
                if !is_whole {
                    frame.head.ending = Ending::Settled;
                }
                frames.push(frame);
            }
        }
        Self { frames, ..self.clone_head() }
    }

    /// Its intents, a line each.
    fn describe<S: Recorded>(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.each_intent::<S>(u64::MAX, |_, _, text| lines.push(text));
        lines
    }
}

struct Search {
    failure: Deviation,
    replays: usize,
    most: usize,
}

impl Search {
    fn fails<S: Recorded>(&mut self, recording: &Recording) -> bool {
        self.replays += 1;
        recording.failure::<S>().is_some_and(|failure| failure.same_reason(&self.failure))
    }
}
