//! Finds the first difference between two recordings.

use std::fmt;

use super::{
    super::{
        progress::{self, Progress},
        replay::{Past, Player, Recorded, RecordedFrame, RecordedIntent, Recording},
        store::KeptSnapshot,
    },
    alike::Alike,
};
use crate::{
    replica::codec::RunBytes,
    util::difference::{Difference, difference},
};

/// The first place at which two recordings differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Divergence {
    /// The number of the frame in the first recording; one more than its last if that recording ends there.
    pub frame: u64,
    /// The intent's place in the frame, from 0; `None` if the frames differ in how they ended or in their digests, or their sessions in
    /// what they begin with.
    pub intent: Option<usize>,
    /// What the first recording has there.
    pub left: String,
    /// What the second one has there.
    pub right: String,
    /// The path in the intent that differs; an operation of a [`Delta`](crate::Delta) by its stamp: `delta[3@0a0b….0#5]`. `None` if no two
    /// intents differ, or their `Debug` output does not show it.
    pub part: Option<Difference>,
    /// The path in the state that differs after that frame, if one does.
    pub state: Option<Difference>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {}", self.frame)?;
        if let Some(intent) = self.intent {
            write!(f, ", intent {intent}")?;
        }
        match &self.part {
            Some(part) => write!(f, ": {part}")?,
            None => write!(f, ": {} != {}", self.left, self.right)?,
        }
        match &self.state {
            Some(difference) => write!(f, "; state: {difference}"),
            None => Ok(()),
        }
    }
}

impl Recording {
    /// The first difference from another recording: an intent, operation, ending or digest, or the first run of operations with which a
    /// session begins; and the path in the state that differs after that frame. `None` if they are equal.
    ///
    /// Frames are compared as bytes; both are replayed up to the frame that differs, and no further. The panel's own numbers of frames do
    /// not count. The number of a replica's life is random, and all hashes of its peers depend on it: if lives differ, operations are
    /// compared by their numbers and content, and the life is the difference only if nothing else differs.
    pub fn diff<S: Recorded>(&self, other: &Self) -> Option<Divergence> {
        let by_content =
            self.has_other_lives(other).then(|| self.first_unlike(other, Alike::ByContent)).flatten();
        let alike = if by_content.is_some() { Alike::ByContent } else { Alike::InBytes };
        let at = by_content.or_else(|| self.first_difference(other))?;
        let (mut ours, mut theirs) = (Side::<S>::new(self), Side::<S>::new(other));
        progress::say(Progress::Phase(
            "replaying",
            self.frames.len().min(at + 1) + other.frames.len().min(at + 1),
        ));
        ours.play(at);
        theirs.play(at);
        let (left, right) = (self.frames.get(at), other.frames.get(at));
        let frame = left.map_or(self.last_frame() + 1, |frame| frame.number);
        let found = match (left, right) {
            (Some(_), Some(_)) if self.begins_otherwise(other, at, alike) => Place::Session,
            (Some(one), Some(two)) => two_frames((&mut ours, one), (&mut theirs, two), alike),
            _ => Place::Frame,
        };
        let mut part = None;
        let (left, right) = match found {
            Place::Intent(place) => {
                let intent =
                    |frame: Option<&RecordedFrame>| frame.and_then(|frame| frame.intents.get(place)).cloned();
                let (one, two) = (intent(left), intent(right));
                part = ours.part(one.as_ref(), &mut theirs, two.as_ref());
                two_texts(ours.describe(one.as_ref()), theirs.describe(two.as_ref()), || {
                    (ours.runs(one.as_ref()), theirs.runs(two.as_ref()))
                })
            }
            Place::Frame => (describe_frame(left), describe_frame(right)),
            Place::Session => {
                let session = left.map_or(0, |frame| frame.session);
                describe_pasts(session, self.sessions.get(session), other.sessions.get(session))
            }
        };
        let state = match (ours.player.state(), theirs.player.state()) {
            (Some(ours), Some(theirs)) => difference(ours, theirs),
            _ => None,
        };
        let intent = match found {
            Place::Intent(place) => Some(place),
            Place::Frame | Place::Session => None,
        };
        Some(Divergence { frame, intent, left, right, part, state })
    }

    /// The place of the first frame that differs.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<usize> {
        self.first_unlike(other, Alike::InBytes)
    }

    fn first_unlike(&self, other: &Self, alike: Alike) -> Option<usize> {
        let both = self.frames.iter().zip(&other.frames).enumerate();
        let at = both
            .take_while(|(at, (one, two))| {
                alike.frames(one, two) && !self.begins_otherwise(other, *at, alike)
            })
            .count();
        (at < self.frames.len().max(other.frames.len())).then_some(at)
    }

    /// Whether this frame is the first of a session that begins with something else in the other recording.
    fn begins_otherwise(&self, other: &Self, at: usize, alike: Alike) -> bool {
        let session_at = |recording: &Self, at: usize| recording.frames.get(at).map(|frame| frame.session);
        let begins = at == 0 || session_at(self, at - 1) != session_at(self, at);
        let session = session_at(self, at).filter(|session| session_at(other, at) == Some(*session));
        let pasts = |session: usize| (self.sessions.get(session), other.sessions.get(session));
        begins
            && session.map(pasts).is_some_and(|pasts| match pasts {
                (Some(one), Some(two)) => !alike.pasts(one, two),
                (one, two) => one != two,
            })
    }

    fn has_other_lives(&self, other: &Self) -> bool {
        let mut both = self.sessions.iter().zip(&other.sessions);
        both.any(|(one, two)| one.incarnation != two.incarnation)
    }
}

/// One of the two, on its way to the frame.
struct Side<'r, S: Recorded> {
    recording: &'r Recording,
    player: Player<S>,
}

impl<'r, S: Recorded> Side<'r, S> {
    fn new(recording: &'r Recording) -> Self {
        Self { recording, player: Player::new() }
    }

    fn play(&mut self, upto: usize) {
        for frame in self.recording.frames.iter().take(upto + 1) {
            self.player.play(self.recording, frame);
        }
    }

    fn describe(&mut self, intent: Option<&RecordedIntent>) -> String {
        intent.map_or_else(|| "nothing".to_owned(), |intent| self.player.describe(intent))
    }

    /// Where the other's intent differs from this, if it is the same variant and the `Debug` output shows it.
    fn part(
        &mut self,
        one: Option<&RecordedIntent>,
        other: &mut Side<'_, S>,
        two: Option<&RecordedIntent>,
    ) -> Option<Difference> {
        let (one, two) = (self.player.read(one?)?, other.player.read(two?)?);
        // The whole of both is said already.
        difference(&one, &two).filter(|difference| !difference.path.is_empty())
    }

    /// The runs of its deltas.
    fn runs(&mut self, intent: Option<&RecordedIntent>) -> Vec<RunBytes> {
        intent.map_or_else(Vec::new, |intent| self.player.runs(intent))
    }

    /// Whether the other's intent is the same. A frame's intents share its runs; those that neither names do not count.
    fn has_same(
        &mut self,
        one: &RecordedIntent,
        other: &mut Side<'_, S>,
        two: &RecordedIntent,
        alike: Alike,
    ) -> bool {
        one.entry == two.entry
            && (one.runs == two.runs || alike.runs(&self.player.runs(one), &other.player.runs(two)))
    }
}

enum Place {
    Intent(usize),
    Frame,
    /// What the frame's session begins with.
    Session,
}

fn two_frames<S: Recorded>(
    (ours, one): (&mut Side<'_, S>, &RecordedFrame),
    (theirs, two): (&mut Side<'_, S>, &RecordedFrame),
    alike: Alike,
) -> Place {
    let both = one.intents.iter().zip(&two.intents);
    let at = both.take_while(|(one, two)| ours.has_same(one, theirs, two, alike)).count();
    if at < one.intents.len().max(two.intents.len()) { Place::Intent(at) } else { Place::Frame }
}

/// What both have, and where that reads alike, the first run that differs: equal operations may be in runs that depend on others.
fn two_texts(
    left: String,
    right: String,
    runs: impl FnOnce() -> (Vec<RunBytes>, Vec<RunBytes>),
) -> (String, String) {
    if left != right {
        return (left, right);
    }
    let (one, two) = runs();
    let at = one.iter().zip(&two).take_while(|(one, two)| one == two).count();
    let name = |text: String, runs: &[RunBytes]| match runs.get(at) {
        Some(run) => format!("{text}, in {}", run_name(run)),
        None => text,
    };
    (name(left, &one), name(right, &two))
}

fn run_name(RunBytes { author, seq, hash, .. }: &RunBytes) -> String {
    format!("the run of {author} from {seq} ({hash})")
}

fn describe_frame(frame: Option<&RecordedFrame>) -> String {
    let Some(RecordedFrame { head, intents, digest, session, .. }) = frame else {
        return "nothing".to_owned();
    };
    let digest = digest.map_or_else(String::new, |digest| format!(", digest {digest:#018x}"));
    format!(
        "{} intent(s), {:?}, after {} frame(s) without, session {}{digest}",
        intents.len(),
        head.ending,
        head.empty_before,
        session + 1,
    )
}

/// The life that a replica went on as, or else its snapshot, or else the first of its runs that differs.
fn describe_pasts(session: usize, one: Option<&Past>, two: Option<&Past>) -> (String, String) {
    let life = |past: Option<&Past>| past.and_then(|past| past.incarnation);
    let [runs_of_one, runs_of_two] = [one, two].map(|past| past.map_or(&[][..], |past| &past.runs));
    let describe = |what: String| format!("session {} begins {what}", session + 1);
    if life(one) != life(two) {
        let text =
            |life: Option<u32>| life.map_or_else(|| "no life".to_owned(), |life| format!("life {life}"));
        return (describe(format!("as {}", text(life(one)))), describe(format!("as {}", text(life(two)))));
    }
    let snapshot = |past: Option<&Past>| past.and_then(|past| past.snapshot.clone());
    if snapshot(one) != snapshot(two) {
        let text = |snapshot: Option<KeptSnapshot>| match snapshot {
            Some(KeptSnapshot { bytes, .. }) => {
                format!("with a snapshot of {} bytes ({})", bytes.len(), blake3::hash(&bytes))
            }
            None => "without a snapshot".to_owned(),
        };
        return (describe(text(snapshot(one))), describe(text(snapshot(two))));
    }
    let both = runs_of_one.iter().zip(runs_of_two);
    let at = both.take_while(|(one, two)| one == two).count();
    let text = |runs: &[RunBytes]| match runs.get(at) {
        Some(run) => describe(format!("with {}", run_name(run))),
        None => describe("with no further run".to_owned()),
    };
    (text(runs_of_one), text(runs_of_two))
}
