//! What sessions began with, of rows as a file has them.

use std::sync::Arc;

use super::Recording;
use crate::{
    Author, Peer,
    journal::{
        intents::{Head, frame_bytes, put_end},
        record::{FrameRow, NumberedRuns, RunKey, RunRecord},
        store::{Begun, KeptSnapshot},
    },
    replica::{RunHash, answers::Answer, keeper::Resume},
};

const ME: Peer = Peer([1; 32]);

/// A run of this peer's, of that life.
fn run(incarnation: u32, seq: u64, admitted: bool) -> RunRecord {
    let author = Author { peer: ME, incarnation };
    RunRecord::from_bytes(RunKey { author, seq, hash: RunHash([7; 32]) }, [1, 2, 3], admitted)
}

/// A frame whose intents name the first of these runs.
fn row(session: u64, named: usize, runs: &[&RunRecord], answers: &[Answer]) -> FrameRow {
    let mut intents = frame_bytes(Head::default(), &[]);
    put_end(&mut intents, answers, named);
    let runs = runs.iter().map(|run| run.key.place()).collect();
    FrameRow { number: 0, session, panel_frame: 0, intents, runs, digest: None }
}

fn recording(rows: &[FrameRow], runs: &[&RunRecord], snapshots: &[u64]) -> Recording {
    begun(rows, runs, snapshots, None)
}

fn begun(rows: &[FrameRow], runs: &[&RunRecord], snapshots: &[u64], begun: Option<&Begun>) -> Recording {
    let runs: NumberedRuns =
        (0..).zip(runs).map(|(number, run)| (run.key.place(), (number, (*run).clone()))).collect();
    let snapshot = |session: &u64| {
        let bytes = Arc::from(session.to_le_bytes());
        (*session, KeptSnapshot { bytes, resume: Resume::default() })
    };
    let snapshots = snapshots.iter().map(snapshot).collect();
    let mut rows = rows.to_vec();
    (1..).zip(&mut rows).for_each(|(number, row)| row.number = number);
    Recording::of_rows(None, Some(ME), (&rows, begun), &runs, &snapshots).unwrap()
}

fn lives(recording: &Recording) -> Vec<Option<u32>> {
    recording.sessions.iter().map(|past| past.incarnation).collect()
}

/// The numbers of the runs that came to what each session knows.
fn known(recording: &Recording) -> Vec<Vec<u64>> {
    recording.sessions.iter().map(|past| past.runs.iter().map(|run| run.seq).collect()).collect()
}

/// As a replica says it in its first frame: question 4.
fn life(incarnation: u32) -> [Answer; 1] {
    [Answer { question: 4, nth: 0, value: incarnation.into() }]
}

#[test]
fn a_session_begins_with_the_last_snapshot_of_those_before() {
    let rows = [1, 2, 3, 5].map(|session| row(session, 0, &[], &[]));
    let sessions = recording(&rows, &[], &[1, 3, 4]).sessions;
    let snapshots: Vec<_> =
        sessions.iter().map(|past| past.snapshot.as_ref().map(|kept| kept.bytes[0])).collect();
    assert_eq!(snapshots, [None, Some(1), Some(1), Some(4)]);
}

/// A run of another life comes in an intent, also where it is admitted in a later frame.
#[test]
fn a_life_is_that_of_what_was_written_and_not_brought() {
    let (brought, written) = (run(9, 0, true), run(3, 0, true));
    let rows = [row(1, 1, &[&brought], &[]), row(1, 0, &[&brought, &written], &[]), row(2, 0, &[], &[])];
    let recording = recording(&rows, &[&brought, &written], &[]);
    assert_eq!(lives(&recording), [Some(3), Some(3)], "which one it was that wrote nothing is not known");
    assert_eq!(known(&recording).iter().map(Vec::len).collect::<Vec<_>>(), [0, 2]);
}

/// What a snapshot holds of the life before is admitted as what was written is.
#[test]
fn a_life_that_was_noted_is_known() {
    let written = run(3, 0, true);
    let rows = [row(1, 0, &[&written], &life(5)), row(2, 0, &[], &life(6))];
    assert_eq!(lives(&recording(&rows, &[&written], &[])), [Some(5), Some(6)]);
}

/// Their numbers say where they were written.
#[test]
fn what_no_frame_names_belongs_behind_the_frame_before_it() {
    let [one, two, three, four] = [0, 1, 2, 3].map(|seq| run(3, seq, seq != 3));
    let rows = [row(1, 0, &[&one], &[]), row(2, 0, &[&three], &[]), row(3, 0, &[], &[])];
    let known_of = |rows: &[FrameRow], runs: &[&RunRecord]| known(&recording(rows, runs, &[]));
    let all = [&one, &two, &three, &four];
    assert_eq!(
        known_of(&rows, &all),
        [vec![], vec![0, 1], vec![2]],
        "and what was not admitted is not known at all"
    );
    // Nothing was recorded in the first session.
    let rows = [row(2, 0, &[&two], &[]), row(3, 0, &[], &[])];
    assert_eq!(known_of(&rows, &[&one, &two]), [[0], [1]]);
}

/// A session that crashed may have named none: its blocks say whose they are.
#[test]
fn what_no_frame_names_is_of_the_session_that_wrote_it() {
    let written = |seq, session| run(3, seq, true).in_session(session);
    let (one, lost, more) = (written(0, 1), written(1, 2), written(2, 4));
    let rows = [row(1, 0, &[&one], &[]), row(2, 0, &[], &[]), row(3, 0, &[], &[]), row(4, 0, &[&more], &[])];
    assert_eq!(known(&recording(&rows, &[&one, &lost, &more], &[])), [vec![], vec![0], vec![1], vec![]]);
    // A session that was not recorded was before them.
    let (unrecorded, one) = (written(0, 1), written(1, 2));
    let rows = [row(2, 0, &[&one], &[]), row(3, 0, &[], &[])];
    assert_eq!(known(&recording(&rows, &[&unrecorded, &one], &[])), [[0], [1]]);
}

/// As an earlier version wrote it: a block has runs of two sessions and the number of the second, as a frame of the first says that names one.
#[test]
fn of_a_block_of_two_sessions_the_numbers_of_its_runs_say_where_they_belong() {
    let [one, two, three] = [0, 1, 2].map(|seq| run(3, seq, true).in_session(2));
    let rows = [row(1, 0, &[&one], &[]), row(2, 0, &[&three], &[]), row(3, 0, &[], &[])];
    assert_eq!(known(&recording(&rows, &[&one, &two, &three], &[])), [vec![], vec![0, 1], vec![2]]);
}

/// Of a recording that begins behind frames that are gone: what the replica had is where the first session begins, and what it received and admitted only later is not.
#[test]
fn what_the_replica_had_where_a_recording_begins_is_known_in_its_first_session() {
    let [had, later, between, written] = [0, 1, 2, 3].map(|seq| run(3, seq, true));
    let never = run(3, 4, false);
    let rows = [row(3, 0, &[&later, &written], &[]), row(4, 0, &[&had], &[]), row(5, 0, &[], &[])];
    let here = Begun { frame: 9, run: 3, received: [1].into(), inside: None };
    let runs = [&had, &later, &never, &between, &written];
    assert_eq!(known(&begun(&rows, &runs, &[], Some(&here))), [vec![0], vec![1, 2, 3], vec![]]);
}
