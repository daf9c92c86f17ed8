//! What each session of a journal began with.

use std::collections::BTreeSet;

use super::{frames::RecordedFrame, start::Past};
use crate::{
    journal::{
        Fault,
        record::{FrameRow, NumberedRuns, RunKey, RunPlace},
        store::Begun,
    },
    replica::{Peer, answers::Answer, codec::RunBytes},
};

/// Finds out which session a replica admitted what in, and which life it was.
pub(super) struct Pasts<'r> {
    me: Option<Peer>,
    runs: &'r NumberedRuns,
    /// Where the recording begins, if frames before that are gone.
    begun: Option<&'r Begun>,
    /// By the session from which on they were known: one more than there are sessions.
    known: Vec<Vec<RunPlace>>,
    lives: Vec<Option<u32>>,
}

impl<'r> Pasts<'r> {
    pub(super) fn new(
        sessions: usize,
        me: Option<Peer>,
        runs: &'r NumberedRuns,
        begun: Option<&'r Begun>,
    ) -> Self {
        Self { me, runs, begun, known: vec![Vec::new(); sessions + 1], lives: vec![None; sessions] }
    }

    /// With each frame the runs that the replica admitted in it, beside those that its intents name.
    pub(super) fn of(
        mut self,
        frames: &[RecordedFrame],
        admitted: &[&[RunPlace]],
        rows: &[FrameRow],
    ) -> Result<Vec<Past>, Fault> {
        let mut placed = BTreeSet::new();
        self.in_gone(&mut placed);
        self.in_frames(frames, admitted, rows, &mut placed);
        self.in_no_frame(frames, rows, &placed);
        let mut before = None;
        let pasts = self.known.into_iter().zip(self.lives).map(|(mut places, life)| {
            places.sort_unstable();
            // One that wrote nothing is not known from the one before.
            before = life.or(before);
            let runs = places.iter().map(|place| run_bytes(place, self.runs)).collect::<Result<_, _>>()?;
            Ok(Past { incarnation: before, snapshot: None, runs, is_gone: false })
        });
        pasts.collect()
    }

    /// What the frames that are gone brought, the first session has.
    fn in_gone(&mut self, placed: &mut BTreeSet<RunPlace>) {
        let Some((begun, first)) = self.begun.zip(self.known.first_mut()) else { return };
        let had = self.runs.iter().filter(|(_, (number, run))| run.admitted && begun.had(*number));
        first.extend(had.map(|(place, _)| *place));
        placed.extend(first.iter().copied());
    }

    fn in_frames(
        &mut self,
        frames: &[RecordedFrame],
        admitted: &[&[RunPlace]],
        rows: &[FrameRow],
        placed: &mut BTreeSet<RunPlace>,
    ) {
        let (mut named, mut wrote) = (BTreeSet::<&RunPlace>::new(), vec![None; self.lives.len()]);
        for ((frame, admitted), row) in frames.iter().zip(admitted).zip(rows) {
            named.extend(&row.runs[..row.runs.len() - admitted.len()]);
            if let Some(life) = frame.answers.iter().find_map(Answer::life) {
                self.lives[frame.session].get_or_insert(life);
            }
            for place in *admitted {
                if placed.insert(*place) {
                    self.known[frame.session + 1].push(*place);
                }
                // What peers bring of this peer's other lives comes in an intent.
                if Some(place.author.peer) == self.me && !named.contains(place) {
                    wrote[frame.session].get_or_insert(place.author.incarnation);
                }
            }
        }
        // Life 0 is not noted.
        for (life, wrote) in self.lives.iter_mut().zip(wrote) {
            *life = life.or(wrote);
        }
        // What came in an intent and was admitted in its frame is named there alone.
        for (frame, row) in frames.iter().zip(rows) {
            for place in &row.runs {
                if self.runs.get(place).is_some_and(|(_, run)| run.admitted) && placed.insert(*place) {
                    self.known[frame.session + 1].push(*place);
                }
            }
        }
    }

    /// What no frame names was admitted behind the last frame of the session that wrote it: a crash may have taken back the frame that it was of.
    fn in_no_frame(&mut self, frames: &[RecordedFrame], rows: &[FrameRow], placed: &BTreeSet<RunPlace>) {
        let (mut sessions, mut mixed) = (Vec::new(), BTreeSet::new());
        // The last run that a frame names, and of which session that is.
        let mut numbers: Vec<(u64, usize)> = Vec::new();
        for (frame, row) in frames.iter().zip(rows) {
            if sessions.last() != Some(&row.session) {
                sessions.push(row.session);
            }
            let mut last = None;
            for (number, run) in row.runs.iter().filter_map(|place| self.runs.get(place)) {
                last = last.max(Some(*number));
                // Earlier versions had runs of more than one session in a block, which says the last.
                if run.session > row.session {
                    mixed.insert(run.session);
                }
            }
            // Runs that intents name again have their old numbers.
            if let Some(last) = last.filter(|last| numbers.last().is_none_or(|(before, _)| before < last)) {
                numbers.push((last, frame.session));
            }
        }
        let was_not_recorded = self.begun.is_none() && rows.first().is_some_and(|row| row.session > 1);
        for (place, (number, run)) in self.runs {
            if !run.admitted || placed.contains(place) {
                continue;
            }
            let session = if run.session == 0 || mixed.contains(&run.session) {
                // By its number: behind a frame that names one of a lower number, or before the first, in a session that was not recorded.
                let before = numbers.partition_point(|(last, _)| last < number).checked_sub(1);
                before.map_or(usize::from(!was_not_recorded), |before| numbers[before].1 + 1)
            } else {
                sessions.partition_point(|session| *session <= run.session)
            };
            if let Some(known) = self.known.get_mut(session) {
                known.push(*place);
            }
        }
    }
}

pub(super) fn run_bytes(place: &RunPlace, runs: &NumberedRuns) -> Result<RunBytes, Fault> {
    let missing = |why: &dyn std::fmt::Display| {
        let RunPlace { author, seq, .. } = place;
        Fault::damaged(format_args!("the run of {author} from {seq} {why}"))
    };
    let (_, found) = runs.get(place).ok_or_else(|| missing(&"is missing"))?;
    let bytes = found.bytes();
    let RunKey { author, seq, hash } = found.key;
    Ok(RunBytes { author, seq, hash, bytes })
}
