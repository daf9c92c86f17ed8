//! A crash at every byte of every write: what was durable is there, and what is there is a prefix.
//!
//! The writes between two syncs may reach the disk in any order. So each is torn three times: behind those before it, alone, and after all
//! others. From one byte to the next the file changes in that byte alone, so it is changed in place, and one that is equal already makes
//! no other file: what is left are all files that such a crash can leave.
//!
//! What an open comes to depends on the length of the file and on the bytes that it reads, and on nothing else. So a file that differs in other bytes alone from one that was
//! looked at need not be looked at: an open of it reads the same, byte for byte. Now and then one is looked at all the same.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    journal::{
        keeping::AnySnapshot,
        record::{RunRecord, SnapshotNote},
        store::{
            Disk, FORMAT, Item, Meta, Reader, Store,
            testing::{HERE, Memory, Step, Words, frame, runs},
        },
    },
    replica::{
        Forgotten, Replica,
        codec::{EncodeError, Limits, Postcard},
    },
    util::panics,
};

const THREADS: usize = 2;

/// Of the files that need not be looked at, each of that number is.
const SPOT: usize = 1_009;

/// What a journal holds: its frames, its runs, its snapshot and its session.
#[derive(Clone, Debug, PartialEq)]
struct Contents {
    snapshot: Option<Vec<u8>>,
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
        let snapshot = reader.snapshot().unwrap();
        assert_eq!(snapshot.is_some(), reader.note().unwrap().is_some());
        let session = reader.meta().unwrap().session;
        Self { snapshot, frames: frames.collect(), runs: runs.collect(), session }
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

/// A journal that is written, and what each of its transactions wrote.
struct Script {
    memory: Memory,
    store: Store,
    before: Vec<u8>,
    last: Contents,
    epochs: Vec<Epoch>,
}

impl Script {
    fn new() -> Self {
        let memory = Memory::default();
        let meta = Meta { format: FORMAT, ..Meta::default() };
        let store = Store::create(Disk::staged(memory.clone()).unwrap(), meta).unwrap();
        let before = memory.lock().bytes.clone();
        memory.lock().steps.clear();
        let last = Contents::of(&memory);
        Self { memory, store, before, last, epochs: Vec::new() }
    }

    /// One transaction.
    fn write<T>(&mut self, write: impl FnOnce(&mut Store) -> T) -> T {
        let written = write(&mut self.store);
        let steps = std::mem::take(&mut self.memory.lock().steps);
        assert!(matches!(steps.last(), Some(Step::Sync)), "it is durable when it returns");
        let next = Contents::of(&self.memory);
        for steps in steps.split_inclusive(|step| matches!(step, Step::Sync)) {
            let allowed = [self.last.clone(), next.clone()];
            self.epochs.push(Epoch { before: self.before.clone(), steps: steps.to_vec(), allowed });
            for step in steps {
                step.apply(&mut self.before);
            }
        }
        self.last = next;
        written
    }

    fn append(&mut self, items: &[Item]) {
        self.write(|store| store.append(items).unwrap());
    }
}

/// Two frames, runs that belong to none yet, another session, a frame that names what came before it.
fn recorded() -> Vec<Epoch> {
    let (mut script, runs) = (Script::new(), runs(4));
    let frame = |number: u64, run: &RunRecord| [Item::Frame(frame(number, run))];
    script.append(&frame(1, &runs[0]));
    script.append(&frame(2, &runs[1]));
    script.append(&[Item::Runs(vec![runs[2].clone()])]);
    script.write(|store| store.set_meta(Meta { session: 2, ..*store.meta() }).unwrap());
    script.append(&frame(3, &runs[3]));
    let last = &script.last;
    assert_eq!(last.frames.iter().map(|(number, _, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((last.runs.len(), last.session), (4, 2));
    assert!(last.frames[2].2.len() == 2, "the third frame names the runs before it: {last:?}");
    script.epochs
}

/// What stands for the runs up to a number.
#[derive(Debug)]
pub(super) struct Upto(pub(super) u64);

impl AnySnapshot for Upto {
    fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        Ok(format!("all up to {} ", self.0).repeat(500).into())
    }

    fn note(&self) -> Option<SnapshotNote> {
        let author = crate::Author { peer: HERE, incarnation: 0 };
        let forgotten = [(author, Forgotten { least: self.0, most: self.0 })].into();
        Some(SnapshotNote { level: self.0, forgotten, ..SnapshotNote::default() })
    }
}

/// So many runs more, a few of which fill a block.
pub(super) fn long_runs() -> impl FnMut(usize) -> Vec<RunRecord> {
    let builder = Replica::builder(HERE, Words::default()).codec(Postcard::new(), Limits::default());
    let mut replica = builder.build();
    move |count| {
        let mut run = || {
            replica.commit("a word ".repeat(300));
            RunRecord::new(&replica.outbox().unwrap().runs[0], true).unwrap()
        };
        (0..count).map(|_| run()).collect()
    }
}

/// Runs of some blocks; a snapshot, and what it stands for goes; more runs, another snapshot, and the session after it.
fn compacted() -> Vec<Epoch> {
    let mut script = Script::new();
    let mut runs = long_runs();
    for (count, upto) in [(30, 25), (12, 40)] {
        script.append(&[Item::Runs(runs(count))]);
        script.append(&[Item::Snapshot(1, Arc::new(Upto(upto)))]);
        let before = script.last.runs.len();
        while script.write(|store| store.compact().unwrap()) {}
        assert!(script.last.runs.len() < before / 2, "{:?}", script.last.runs);
        assert!(script.last.snapshot.is_some() && script.last.runs.contains(&upto), "{:?}", script.last.runs);
    }
    script.write(|store| store.set_meta(Meta { session: 2, ..*store.meta() }).unwrap());
    script.epochs
}

/// Which of an epoch's other writes are there.
#[derive(Clone, Copy, Debug)]
enum Others {
    Before,
    None,
    All,
}

/// How many files there were, and how many were looked at.
#[derive(Default)]
struct Count {
    files: AtomicUsize,
    looked: AtomicUsize,
}

impl Epoch {
    /// Tears one write at each byte.
    fn tear(&self, torn: usize, others: Others, count: &Count) {
        let Step::Write(offset, data) = &self.steps[torn] else { return };
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
        // Which bytes the last that was looked at read, and what it was found to be.
        let mut known: Option<(Vec<bool>, Contents)> = None;
        for (at, byte) in (offset..).zip(data) {
            {
                let bytes = &mut memory.lock().bytes;
                match bytes.get_mut(at) {
                    Some(there) if there == byte => continue,
                    Some(there) => *there = *byte,
                    None => {
                        bytes.resize(at, 0);
                        bytes.push(*byte);
                    }
                }
            }
            let files = count.files.fetch_add(1, Ordering::Relaxed);
            let same = known.as_ref().filter(|(read, _)| read.get(at) == Some(&false));
            if same.is_some() && files % SPOT != 0 {
                continue;
            }
            count.looked.fetch_add(1, Ordering::Relaxed);
            let where_ = || format!("write {torn} of {}, {others:?}, torn at byte {at}", self.steps.len());
            let (read, found) = look(&memory).unwrap_or_else(|panic| panic!("{}: {panic}", where_()));
            assert!(self.allowed.contains(&found), "{}: {found:?}", where_());
            assert!(same.is_none_or(|(_, same)| *same == found), "{}: it reads what it does not", where_());
            known = Some((read, found));
        }
    }
}

/// What a file is found to be, and which of its bytes that took.
fn look(memory: &Memory) -> Result<(Vec<bool>, Contents), String> {
    {
        let inner = &mut *memory.lock();
        inner.read = Some(vec![false; inner.bytes.len()]);
    }
    let found = panics::catch_silently(AssertUnwindSafe(|| Contents::of(memory)));
    let read = memory.lock().read.take().unwrap();
    found.map(|found| (read, found)).map_err(|panic| panic.message().to_owned())
}

fn tear_all(epochs: &[Epoch], least: usize) {
    let mut tears = Vec::new();
    for epoch in epochs {
        for torn in 0..epoch.steps.len() {
            tears.extend([Others::Before, Others::None, Others::All].map(|others| (epoch, torn, others)));
        }
    }
    let (next, count) = (AtomicUsize::new(0), Count::default());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((epoch, torn, others)) = tears.get(next.fetch_add(1, Ordering::Relaxed)) {
                    epoch.tear(*torn, *others, &count);
                }
            });
        }
    });
    let (files, looked) = (count.files.into_inner(), count.looked.into_inner());
    println!("{files} files of {} writes, of which {looked} were looked at", tears.len() / 3);
    assert!(files > least, "{files}");
}

#[test]
fn a_write_torn_at_any_byte_leaves_a_prefix_with_all_that_was_durable() {
    tear_all(&recorded(), 50_000);
}

#[test]
fn a_write_of_a_compaction_torn_at_any_byte_leaves_the_runs_or_what_stands_for_them() {
    tear_all(&compacted(), 50_000);
}
