//! From the frame's thread to the writer: bounded, and never waiting.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use tokio::sync::{Notify, mpsc};

use super::{
    keeping::AnySnapshot,
    record::{FrameRecord, RunKey, RunRecord},
    store::Item,
};
use crate::{replica::codec::EncodeError, util::mutex::Mutex};

/// How many frames, and other items, may wait to become durable.
const ITEMS: usize = 4096;

/// How many bytes may.
pub(super) const BYTES: usize = 64 << 20;

/// Buffers kept for reuse, and the largest that is.
const SPARE: usize = 8;
const SPARE_BYTES: usize = 1 << 20;

/// The journal cannot take more before its writer catches up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandoverFull;

/// The end that the frame's thread has.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    sender: mpsc::Sender<Item>,
    gauge: Arc<Gauge>,
}

/// What both ends know.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    /// Handed over and not durable.
    bytes: AtomicUsize,
    /// Items handed over, ever.
    given: AtomicU64,
    /// Items durable, ever.
    durable: AtomicU64,
    /// The writer has failed, and holds what it has.
    halted: AtomicBool,
    /// The file is long enough for a snapshot to be worth its writing.
    wants_snapshot: AtomicBool,
    /// What a frame or a replica could not hand over yet, as there was no room: each on its own side.
    waiting: [AtomicBool; 2],
    /// The last frame that was let go of inside the session, until it is reported; else 0.
    shortened: AtomicU64,
    spare: Mutex<Vec<Vec<u8>>>,
    /// Why nothing is let go of, until it is reported. Of the writer's thread.
    unkept: Mutex<Option<EncodeError>>,
    /// Rings when `durable` or `halted` changes, and when the writer stops.
    bell: Notify,
}

pub(super) fn handover() -> (Handover, mpsc::Receiver<Item>) {
    let (sender, receiver) = mpsc::channel(ITEMS);
    (Handover { sender, gauge: Arc::default() }, receiver)
}

impl Handover {
    /// Hands a frame over; gives it back if the journal is full or failed. Never waits.
    pub(crate) fn push(&self, frame: FrameRecord) -> Result<(), (HandoverFull, FrameRecord)> {
        match self.give(Item::Frame(frame)) {
            Ok(_) => Ok(()),
            Err(Item::Frame(frame)) => Err((HandoverFull, frame)),
            Err(_) => unreachable!("it gives back what it got"),
        }
    }

    /// Hands over runs that the replica admitted, in the order of admission; gives them back if the journal is full. Returns up to
    /// which item it must be durable for them to be.
    pub(crate) fn keep(&self, runs: Vec<RunRecord>) -> Result<u64, Vec<RunRecord>> {
        self.give(Item::Runs(runs)).map_err(|item| match item {
            Item::Runs(runs) => runs,
            _ => unreachable!("it gives back what it got"),
        })
    }

    /// Hands over what the replica goes on from.
    pub(super) fn snapshot(
        &self,
        session: u64,
        snapshot: Arc<dyn AnySnapshot>,
    ) -> Result<u64, Arc<dyn AnySnapshot>> {
        self.give(Item::Snapshot(session, snapshot)).map_err(|item| match item {
            Item::Snapshot(_, snapshot) => snapshot,
            _ => unreachable!("it gives back what it got"),
        })
    }

    /// Notes void runs as given back to the program.
    pub(crate) fn returned(&self, runs: Vec<RunKey>) -> Result<u64, Vec<RunKey>> {
        self.give(Item::Returned(runs)).map_err(|item| match item {
            Item::Returned(runs) => runs,
            _ => unreachable!("it gives back what it got"),
        })
    }

    /// Hands over the note of a state of all frames up to one. Where there is no room the next note is.
    pub(crate) fn restored(&self, frame: u64, bytes: Vec<u8>) {
        drop(self.give(Item::Restored(frame, bytes)));
    }

    fn give(&self, item: Item) -> Result<u64, Item> {
        let weight = item.weight();
        let before = self.gauge.bytes.fetch_add(weight, Ordering::AcqRel);
        // One item goes through whatever its size.
        if before > 0 && before.saturating_add(weight) > BYTES {
            self.gauge.bytes.fetch_sub(weight, Ordering::AcqRel);
            return Err(item);
        }
        match self.sender.try_send(item) {
            Ok(()) => Ok(self.gauge.given.fetch_add(1, Ordering::AcqRel) + 1),
            Err(mpsc::error::TrySendError::Full(item) | mpsc::error::TrySendError::Closed(item)) => {
                self.gauge.bytes.fetch_sub(weight, Ordering::AcqRel);
                Err(item)
            }
        }
    }

    /// An empty buffer for the next frame's intents, with the capacity of an earlier one if there is one.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        let spare = self.gauge.spare.try_lock();
        spare.and_then(|mut spare| spare.pop()).unwrap_or_default()
    }

    /// Whether a commit may be promised: the writer works, and there is room for what it makes.
    pub(crate) fn accepts(&self) -> bool {
        !self.gauge.halted.load(Ordering::Acquire)
            && self.gauge.bytes.load(Ordering::Acquire) < BYTES / 2
            && self.sender.capacity() > ITEMS / 2
    }

    /// Whether a snapshot, if a cut became stable, lets enough go.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.gauge.wants_snapshot.load(Ordering::Acquire)
    }

    /// Notes whether the recorder holds a frame that is not handed over.
    pub(crate) fn set_frame_waits(&self, waits: bool) {
        self.gauge.waiting[0].store(waits, Ordering::Release);
    }

    /// Notes whether the replica has what is not handed over.
    pub(super) fn set_runs_wait(&self, wait: bool) {
        self.gauge.waiting[1].store(wait, Ordering::Release);
    }

    /// Whether there is something that is not handed over.
    pub(super) fn is_behind(&self) -> bool {
        self.gauge.waiting.iter().any(|waits| waits.load(Ordering::Acquire))
    }

    /// How many items are durable, of all that were handed over.
    pub(crate) fn durable(&self) -> u64 {
        self.gauge.durable.load(Ordering::Acquire)
    }

    /// How many items were handed over.
    pub(crate) fn given(&self) -> u64 {
        self.gauge.given.load(Ordering::Acquire)
    }

    pub(super) fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }
}

impl Gauge {
    /// Items are durable: there is room for others.
    pub(super) fn written(&self, items: Vec<Item>) {
        let weight = items.iter().map(Item::weight).sum();
        let before = self.bytes.fetch_sub(weight, Ordering::AcqRel);
        debug_assert!(before >= weight, "{weight} bytes are durable, and {before} were handed over");
        self.durable.fetch_add(items.len() as u64, Ordering::AcqRel);
        self.notify();
        let Some(mut spare) = self.spare.try_lock() else { return };
        for item in items {
            if let Item::Frame(FrameRecord { mut intents, .. }) = item
                && spare.len() < SPARE
                && intents.capacity() <= SPARE_BYTES
            {
                intents.clear();
                spare.push(intents);
            }
        }
    }

    pub(super) fn set_halted(&self, halted: bool) {
        self.halted.store(halted, Ordering::Release);
        self.notify();
    }

    pub(super) fn set_wants_snapshot(&self, wants: bool) {
        self.wants_snapshot.store(wants, Ordering::Release);
    }

    pub(super) fn set_shortened(&self, frame: u64) {
        self.shortened.store(frame, Ordering::Release);
    }

    pub(super) fn take_shortened(&self) -> Option<u64> {
        Some(self.shortened.swap(0, Ordering::AcqRel)).filter(|frame| *frame > 0)
    }

    pub(super) fn set_unkept(&self, error: EncodeError) {
        *self.unkept.lock() = Some(error);
    }

    pub(super) fn take_unkept(&self) -> Option<EncodeError> {
        self.unkept.lock().take()
    }

    pub(super) fn notify(&self) {
        self.bell.notify_waiters();
    }

    /// Waits until the bell rings, unless more than that is durable already.
    pub(super) async fn changed(&self, durable: u64) {
        let mut rung = std::pin::pin!(self.bell.notified());
        // From here on no ring is missed.
        rung.as_mut().enable();
        if self.durable.load(Ordering::Acquire) == durable {
            rung.await;
        }
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }
}

impl Item {
    /// How many bytes of intents it has.
    pub(super) fn intents(&self) -> usize {
        if let Self::Frame(frame) = self { frame.intents.len() } else { 0 }
    }

    /// How many bytes it adds to the recording, about.
    pub(super) fn recorded(&self) -> u64 {
        /// Of a frame beside its intents.
        const FRAME: u64 = 32;
        if let Self::Frame(frame) = self { frame.intents.len() as u64 + FRAME } else { 0 }
    }

    /// What it counts against the bound, in bytes.
    fn weight(&self) -> usize {
        64 + match self {
            Self::Frame(frame) => frame.weight(),
            Self::Runs(runs) => runs.iter().map(RunRecord::weight).sum(),
            Self::Returned(runs) => runs.len() * size_of::<RunKey>(),
            Self::Restored(_, bytes) => bytes.len(),
            // Of the replica's own memory, but for a reference.
            Self::Snapshot(..) => 0,
        }
    }
}
