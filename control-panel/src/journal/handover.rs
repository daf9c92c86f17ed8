//! The bounded queue from the frame's thread to the writer. A frame never waits for it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

use super::{
    keeping::AnySnapshot,
    record::{FrameRecord, RunKey, RunRecord},
    store::Item,
};
use crate::{replica::codec::EncodeError, util::mutex::Mutex};

/// How many frames and other items may wait to become durable.
const ITEMS: usize = 4096;

/// How many bytes may wait to become durable.
pub(super) const BYTES: usize = 64 << 20;

/// How many buffers are kept for reuse, and the capacity of the largest that is.
const SPARE: usize = 8;
const SPARE_BYTES: usize = 1 << 20;

/// The journal takes no more until its writer catches up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandoverFull;

/// The sending end, on the frame's thread.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    sender: mpsc::Sender<Item>,
    gauge: Arc<Gauge>,
}

/// The state that both ends share.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    /// Bytes handed over and not durable yet.
    bytes: AtomicUsize,
    /// Items handed over, ever.
    given: AtomicU64,
    /// Items durable, ever.
    durable: AtomicU64,
    /// When that last rose, for display.
    synced: Mutex<Option<Instant>>,
    /// The writer has failed, and keeps what it has taken.
    halted: AtomicBool,
    /// The file is long enough for a snapshot to be worth writing.
    wants_snapshot: AtomicBool,
    /// Whether a frame, or the replica, keeps something that there was no room for: one flag each.
    waiting: [AtomicBool; 2],
    /// The last frame that was dropped within the session, until it is reported; else 0.
    shortened: AtomicU64,
    spare: Mutex<Vec<Vec<u8>>>,
    /// Why nothing is dropped from the file, until it is reported. Used by the writer's thread.
    unkept: Mutex<Option<EncodeError>>,
    /// Notified when `durable` or `halted` changes, and when the writer stops.
    bell: Notify,
}

pub(super) fn handover() -> (Handover, mpsc::Receiver<Item>) {
    let (sender, receiver) = mpsc::channel(ITEMS);
    (Handover { sender, gauge: Arc::default() }, receiver)
}

impl Handover {
    /// Hands over a frame; returns it if the journal is full or has failed. Never waits.
    pub(crate) fn push(&self, frame: FrameRecord) -> Result<(), (HandoverFull, FrameRecord)> {
        match self.give(Item::Frame(frame)) {
            Ok(_) => Ok(()),
            Err(Item::Frame(frame)) => Err((HandoverFull, frame)),
            Err(_) => unreachable!("it gives back what it got"),
        }
    }

    /// Hands over runs that the replica admitted, in the order of admission; returns them if the journal is full. The number that it
    /// returns is that of the item: the runs are durable once that item is.
    pub(crate) fn keep(&self, runs: Vec<RunRecord>) -> Result<u64, Vec<RunRecord>> {
        self.give(Item::Runs(runs)).map_err(|item| match item {
            Item::Runs(runs) => runs,
            _ => unreachable!("it gives back what it got"),
        })
    }

    /// Hands over the snapshot from which the replica continues.
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

    /// Notes that void runs were returned to the program.
    pub(crate) fn returned(&self, runs: Vec<RunKey>) -> Result<u64, Vec<RunKey>> {
        self.give(Item::Returned(runs)).map_err(|item| match item {
            Item::Returned(runs) => runs,
            _ => unreachable!("it gives back what it got"),
        })
    }

    /// Hands over a note of the state after all frames up to this one. If there is no room, the next note takes its place.
    pub(crate) fn restored(&self, frame: u64, bytes: Vec<u8>) {
        drop(self.give(Item::Restored(frame, bytes)));
    }

    fn give(&self, item: Item) -> Result<u64, Item> {
        let weight = item.weight();
        let before = self.gauge.bytes.fetch_add(weight, Ordering::AcqRel);
        // A single item is accepted whatever its size.
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

    /// Whether a commit may be promised: the writer works, and there is room for the commit.
    pub(crate) fn accepts(&self) -> bool {
        !self.gauge.halted.load(Ordering::Acquire)
            && self.gauge.bytes.load(Ordering::Acquire) < BYTES / 2
            && self.sender.capacity() > ITEMS / 2
    }

    /// Whether a snapshot would free enough of the file, if a cut became stable.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.gauge.wants_snapshot.load(Ordering::Acquire)
    }

    /// Notes whether the recorder keeps a frame that is not handed over yet.
    pub(crate) fn set_frame_waits(&self, waits: bool) {
        self.gauge.waiting[0].store(waits, Ordering::Release);
    }

    /// Notes whether the replica keeps runs that are not handed over yet.
    pub(super) fn set_runs_wait(&self, wait: bool) {
        self.gauge.waiting[1].store(wait, Ordering::Release);
    }

    /// Whether anything is not handed over yet.
    pub(super) fn is_behind(&self) -> bool {
        self.gauge.waiting.iter().any(|waits| waits.load(Ordering::Acquire))
    }

    /// How many of the items handed over are durable.
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
    /// Items became durable, which makes room for others.
    pub(super) fn written(&self, items: Vec<Item>) {
        let weight = items.iter().map(Item::weight).sum();
        let before = self.bytes.fetch_sub(weight, Ordering::AcqRel);
        debug_assert!(before >= weight, "{weight} bytes are durable, and {before} were handed over");
        self.durable.fetch_add(items.len() as u64, Ordering::AcqRel);
        *self.synced.lock() = Some(Instant::now());
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

    /// Waits for the next notification, unless more items than `durable` are durable already.
    pub(super) async fn changed(&self, durable: u64) {
        let mut rung = std::pin::pin!(self.bell.notified());
        // From here on no notification is missed.
        rung.as_mut().enable();
        if self.durable.load(Ordering::Acquire) == durable {
            rung.await;
        }
    }

    /// When something was last made durable.
    pub(super) fn synced(&self) -> Option<Instant> {
        *self.synced.lock()
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

    /// About how many bytes it adds to the recording.
    pub(super) fn recorded(&self) -> u64 {
        /// The size of a frame's record without its intents.
        const FRAME: u64 = 32;
        if let Self::Frame(frame) = self { frame.intents.len() as u64 + FRAME } else { 0 }
    }

    /// How many bytes it counts towards the bound.
    fn weight(&self) -> usize {
        64 + match self {
            Self::Frame(frame) => frame.weight(),
            Self::Runs(runs) => runs.iter().map(RunRecord::weight).sum(),
            Self::Returned(runs) => runs.len() * size_of::<RunKey>(),
            Self::Restored(_, bytes) => bytes.len(),
            // Its state is the replica's own memory; this holds a reference.
            Self::Snapshot(..) => 0,
        }
    }
}
