//! Notes of states that are not of the file's frames: a start does not begin with them.

use super::{Recorded, Start, Update};
use crate::{
    ControlPanel, QueuedIntent, Reducer,
    journal::{Journal, JournalError, replay::Noted, store::testing::Memory},
};

/// How many were added, now and before.
#[derive(Debug, Default)]
struct Count {
    before: u64,
    now: u64,
}

impl Reducer for Count {
    type Intent = Update;

    fn apply(&mut self, _: QueuedIntent<Update>) {
        self.now += 1;
    }
}

impl Recorded for Count {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let before = start.restore(0, 0_u64, |count: &mut u64, _: QueuedIntent<Update>| *count += 1)?.state;
        Ok(Self { before, now: 0 })
    }
}

#[test]
fn a_start_begins_with_a_note_of_these_very_frames_alone() {
    let memory = Memory::default();
    let noted = |hash, reducer| {
        let journal = Journal::on(&memory).unwrap();
        let count: Count = journal.begin().unwrap();
        journal.handover().restored(2, Noted::write(Some(reducer), hash, (2, 0), &1_000_u64).unwrap());
        journal.flush().unwrap();
        journal.close().unwrap();
        count.before
    };
    let journal = Journal::on(&memory).unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let mut count: Count = journal.begin().unwrap();
    for _ in 0..2 {
        panel.run_frame(&mut count, &mut (), [(0, Update::Add(1))]);
    }
    drop(panel);
    journal.flush().unwrap();
    let hash = journal.try_reader().unwrap().frame_hash(2).unwrap().unwrap();
    journal.close().unwrap();

    assert_eq!(noted([9; 32], 0), 2);
    assert_eq!(noted(hash, 0), 2, "of another history");
    assert_eq!(noted(hash, 7), 1_000);
    assert_eq!(noted(hash, 0), 2, "of another reducer");
}

#[test]
fn a_note_that_was_changed_is_none() {
    let row = Noted::write(Some(7), [9; 32], (2, 0), &1_000_u64).unwrap();
    assert!(Noted::read(&row).is_some());
    for at in 0..row.len() {
        let mut other = row.clone();
        other[at] ^= 1;
        assert!(Noted::read(&other).is_none() && Noted::read(&row[..at]).is_none(), "{at}");
    }
}
