//! A crash at every byte of every write: what was durable is there, and what is there is a prefix.

use crate::journal::store::{
    Disk, FORMAT, Item, Meta, Reader, Store,
    testing::{Memory, Step, frame, runs},
};

/// With `JOURNAL_TORN=1` every byte; as that takes minutes, by default every 509th and the first and last of each write.
fn stride() -> usize {
    std::env::var("JOURNAL_TORN").ok().and_then(|stride| stride.parse().ok()).unwrap_or(509)
}

#[test]
fn a_write_torn_at_any_byte_leaves_a_prefix_with_all_that_was_durable() {
    let (memory, runs) = (Memory::default(), runs(4));
    let meta = Meta { format: FORMAT, ..Meta::default() };
    let mut store = Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap();
    let mut begin = memory.lock().bytes.clone();
    memory.lock().steps.clear();
    // After how many steps so many frames were durable.
    let mut durable = vec![0];
    for (run, number) in runs.iter().zip(1..) {
        store.append(&[Item::Frame(frame(number, run))]).unwrap();
        durable.push(memory.lock().steps.len());
    }
    let steps: Vec<Step> = std::mem::take(&mut memory.lock().steps);
    drop(store);

    let mut opened = 0;
    for (index, step) in steps.iter().enumerate() {
        let least = durable.iter().filter(|done| **done <= index).count() - 1;
        let lengths: Vec<_> = match step {
            Step::Write(_, data) => (0..data.len()).step_by(stride()).chain([1, data.len() - 1]).collect(),
            Step::SetLen(_) | Step::Sync => vec![0],
        };
        for length in lengths {
            let mut bytes = begin.clone();
            if let Step::Write(offset, data) = step {
                Step::Write(*offset, data[..length].to_vec()).apply(&mut bytes);
            }
            let found = frames(bytes);
            assert!(
                (least..=least + 1).contains(&found),
                "step {index}, byte {length}: {found} frames, and {least} were durable"
            );
            opened += 1;
        }
        step.apply(&mut begin);
    }
    assert!(opened > 100, "{opened}");
    assert_eq!(frames(begin), 4);
}

/// How many frames there are, all of which follow from each other.
fn frames(bytes: Vec<u8>) -> usize {
    let memory = Memory::of(bytes);
    let reader = Reader::open(&Disk::staged(memory).unwrap()).unwrap();
    let rows = reader.frames(..).unwrap().map(Result::unwrap);
    let numbers: Vec<_> = rows.map(|row| row.panel_frame).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    for run in reader.runs().unwrap() {
        run.unwrap();
    }
    numbers.len()
}
