//! A crash at every byte of every write: what was durable is there, and what is there is a prefix.
//!
//! The writes between two syncs may reach the disk in any order. So each is torn three times: behind those before it, alone, and after all
//! others. From one byte to the next the file changes in that byte alone, so it is changed in place, and one that is equal already makes
//! no other file: what is left are all files that such a crash can leave.

use std::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::{
    journal::{
        record::RunRecord,
        store::{
            Disk, FORMAT, Item, Meta, Reader, Store,
            testing::{Memory, Step, frame, runs},
        },
    },
    supervise::panics,
};

const THREADS: usize = 2;

/// With `JOURNAL_TORN=1` every file, which takes minutes; by default every 211th, and the first and last of each write.
fn stride() -> usize {
    std::env::var("JOURNAL_TORN").ok().and_then(|stride| stride.parse().ok()).unwrap_or(211)
}

/// What a journal holds: its frames, its runs and its session.
#[derive(Clone, Debug, PartialEq)]
struct Contents {
    frames: Vec<(u64, Vec<u8>, Vec<u64>)>,
    runs: Vec<u64>,
    session: u64,
}

impl Contents {
    fn of(memory: &Memory) -> Self {
        let reader = Reader::open(&Disk::staged(memory.clone()).unwrap()).unwrap();
        let frames = reader.frames(..).unwrap().map(|row| {
            let row = row.unwrap();
            (row.panel_frame, row.intents, row.runs)
        });
        let runs = reader.runs().unwrap().map(|run| run.unwrap().1.key.seq);
        Self { frames: frames.collect(), runs: runs.collect(), session: reader.meta().unwrap().session }
    }
}

/// Writes that no sync parts, and what the file may hold when some of them are there.
struct Epoch {
    /// The file before them.
    before: Vec<u8>,
    steps: Vec<Step>,
    /// As of the last transaction that was durable before them, and the next.
    allowed: [Contents; 2],
}

/// Two frames, runs that belong to none yet, another session, a frame that names what came before it.
fn written() -> Vec<Epoch> {
    let (memory, runs) = (Memory::default(), runs(4));
    let meta = Meta { format: FORMAT, ..Meta::default() };
    let mut store = Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap();
    let mut before = memory.lock().bytes.clone();
    memory.lock().steps.clear();
    let (mut epochs, mut last) = (Vec::new(), Contents::of(&memory));
    let frame = |number: u64, run: &RunRecord| vec![Item::Frame(frame(number, run))];
    let transactions = [
        Some(frame(1, &runs[0])),
        Some(frame(2, &runs[1])),
        Some(vec![Item::Runs(vec![runs[2].clone()])]),
        None,
        Some(frame(3, &runs[3])),
    ];
    for items in transactions {
        match items {
            Some(items) => store.append(&items).unwrap(),
            None => store.set_meta(Meta { session: 2, ..meta }).unwrap(),
        }
        let steps = std::mem::take(&mut memory.lock().steps);
        assert!(matches!(steps.last(), Some(Step::Sync)), "it is durable when it returns");
        let next = Contents::of(&memory);
        for steps in steps.split_inclusive(|step| matches!(step, Step::Sync)) {
            let allowed = [last.clone(), next.clone()];
            epochs.push(Epoch { before: before.clone(), steps: steps.to_vec(), allowed });
            for step in steps {
                step.apply(&mut before);
            }
        }
        last = next;
    }
    assert_eq!(last.frames.iter().map(|(number, _, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((last.runs.len(), last.session), (4, 2));
    assert!(last.frames[2].2.len() == 2, "the third frame names the runs before it: {last:?}");
    epochs
}

/// Which of an epoch's other writes are there.
#[derive(Clone, Copy, Debug)]
enum Others {
    Before,
    None,
    All,
}

impl Epoch {
    /// Tears one write at each byte. Returns how many files that were, of which it looked at some.
    fn tear(&self, torn: usize, others: Others, stride: usize) -> usize {
        let Step::Write(offset, data) = &self.steps[torn] else { return 0 };
        let mut bytes = self.before.clone();
        for (index, step) in self.steps.iter().enumerate() {
            let is_there = match others {
                Others::Before => index < torn,
                Others::None => false,
                Others::All => index != torn,
            };
            if is_there {
                step.apply(&mut bytes);
            }
        }
        let offset = usize::try_from(*offset).unwrap();
        let memory = Memory::of(bytes);
        let mut files = 0;
        for (index, byte) in data.iter().enumerate() {
            {
                let bytes = &mut memory.lock().bytes;
                match bytes.get_mut(offset + index) {
                    Some(there) if there == byte => continue,
                    Some(there) => *there = *byte,
                    None => {
                        bytes.resize(offset + index, 0);
                        bytes.push(*byte);
                    }
                }
            }
            if files % stride == 0 || index + 1 == data.len() {
                let found = panics::catch_silently(AssertUnwindSafe(|| Contents::of(&memory)));
                let is_allowed = found.as_ref().is_ok_and(|found| self.allowed.contains(found));
                assert!(
                    is_allowed,
                    "write {torn} of {}, {others:?}, torn at byte {index} of {}: {found:?}",
                    self.steps.len(),
                    data.len()
                );
            }
            files += 1;
        }
        files
    }
}

#[test]
fn a_write_torn_at_any_byte_leaves_a_prefix_with_all_that_was_durable() {
    let (epochs, stride) = (written(), stride());
    let mut tears = Vec::new();
    for epoch in &epochs {
        for torn in 0..epoch.steps.len() {
            tears.extend([Others::Before, Others::None, Others::All].map(|others| (epoch, torn, others)));
        }
    }
    let (next, files) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((epoch, torn, others)) = tears.get(next.fetch_add(1, Ordering::Relaxed)) {
                    files.fetch_add(epoch.tear(*torn, *others, stride), Ordering::Relaxed);
                }
            });
        }
    });
    let files = files.into_inner();
    println!("{files} files of {} writes, every {stride}th looked at", tears.len() / 3);
    assert!(files > 50_000, "{files}");
}
