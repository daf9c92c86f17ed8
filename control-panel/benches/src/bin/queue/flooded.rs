//! What 8 threads flood and the frame thread swaps: the panel, and two queues that a user could write.

use std::{
    hint, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use control_panel::{ControlPanel, Frame, IntentSender};
use control_panel_benches::intents::{Item, SOURCES, Update};
use tokio::runtime::Runtime;

use crate::{producers::CAPACITY, single::idle_runtime};

pub const THREADS: usize = 8;

/// Something to flood and to swap.
pub trait Flooded: Send + Sync + 'static {
    /// What a swap takes out.
    type Batch;
    type Swapper;

    /// The queue, and what the frame thread swaps with.
    fn open() -> (Arc<Self>, Self::Swapper);
    fn try_send(&self, thread: usize, update: Update) -> bool;
    /// False when it was asked to stop.
    fn send_blocking(&self, thread: usize, update: Update) -> bool;
    /// What is timed.
    fn swap(swapper: &mut Self::Swapper) -> Self::Batch;
    /// Consumes what was swapped out and wakes what waits; gives the count. Not timed.
    fn finish(swapper: &mut Self::Swapper, batch: Self::Batch) -> usize;
    fn stop(swapper: Self::Swapper);
}

pub struct Panel {
    senders: Vec<IntentSender<Update>>,
}

impl Flooded for Panel {
    type Batch = Frame<Update>;
    type Swapper = (ControlPanel<Update>, Runtime);

    fn open() -> (Arc<Self>, Self::Swapper) {
        let runtime = idle_runtime();
        let panel = ControlPanel::builder().capacity(CAPACITY).runtime(runtime.handle().clone()).build();
        let senders = (0..THREADS).map(|thread| panel.sender(SOURCES[thread % 4])).collect();
        (Arc::new(Self { senders }), (panel, runtime))
    }

    fn try_send(&self, thread: usize, update: Update) -> bool {
        self.senders[thread].try_send(update).is_ok()
    }

    fn send_blocking(&self, thread: usize, update: Update) -> bool {
        self.senders[thread].send_blocking(update).is_ok()
    }

    fn swap((panel, _): &mut Self::Swapper) -> Frame<Update> {
        panel.drain()
    }

    fn finish(_: &mut Self::Swapper, frame: Frame<Update>) -> usize {
        frame.inspect(|queued| _ = hint::black_box(queued.intent.word())).count()
    }

    fn stop((panel, _): Self::Swapper) {
        drop(panel);
    }
}

/// A Vec behind a lock, and a way to wait for room in it.
#[derive(Default)]
struct Locked {
    items: Mutex<(Vec<Item>, bool)>,
    room: Condvar,
}

impl Locked {
    fn lock(&self) -> MutexGuard<'_, (Vec<Item>, bool)> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_send(&self, capacity: usize, item: Item) -> bool {
        let mut items = self.lock();
        let room = items.0.len() < capacity;
        if room {
            items.0.push(item);
        }
        room
    }

    fn send_blocking(&self, capacity: usize, item: Item) -> bool {
        let full = |items: &mut (Vec<Item>, bool)| items.0.len() >= capacity && !items.1;
        let mut items = self.room.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        items.0.push(item);
        !items.1
    }

    fn swap(&self, spare: &mut Vec<Item>) {
        mem::swap(&mut self.lock().0, spare);
    }

    fn stop(&self) {
        self.lock().1 = true;
        self.room.notify_all();
    }
}

/// What a user could write: a lock and a Vec for each producer, all swapped by the frame.
pub struct Lanes(Vec<Locked>);

impl Flooded for Lanes {
    type Batch = ();
    type Swapper = (Arc<Self>, Vec<Vec<Item>>);

    fn open() -> (Arc<Self>, Self::Swapper) {
        let lanes = Arc::new(Self((0..THREADS).map(|_| Locked::default()).collect()));
        (Arc::clone(&lanes), (lanes, vec![Vec::new(); THREADS]))
    }

    fn try_send(&self, thread: usize, update: Update) -> bool {
        self.0[thread].try_send(CAPACITY / THREADS, Item { update, source: SOURCES[thread % 4] })
    }

    fn send_blocking(&self, thread: usize, update: Update) -> bool {
        self.0[thread].send_blocking(CAPACITY / THREADS, Item { update, source: SOURCES[thread % 4] })
    }

    fn swap((lanes, spares): &mut Self::Swapper) {
        for (lane, spare) in lanes.0.iter().zip(spares) {
            lane.swap(spare);
        }
    }

    fn finish((lanes, spares): &mut Self::Swapper, (): ()) -> usize {
        lanes.0.iter().for_each(|lane| lane.room.notify_all());
        spares
            .iter_mut()
            .map(|spare| spare.drain(..).inspect(|item| _ = hint::black_box(item.update.word())).count())
            .sum()
    }

    fn stop((lanes, _): Self::Swapper) {
        lanes.0.iter().for_each(Locked::stop);
    }
}

/// What a user writes first: one Vec behind one lock.
pub struct OneLock(Locked);

impl Flooded for OneLock {
    type Batch = ();
    type Swapper = (Arc<Self>, Vec<Item>);

    fn open() -> (Arc<Self>, Self::Swapper) {
        let queue = Arc::new(Self(Locked::default()));
        (Arc::clone(&queue), (queue, Vec::new()))
    }

    fn try_send(&self, thread: usize, update: Update) -> bool {
        self.0.try_send(CAPACITY, Item { update, source: SOURCES[thread % 4] })
    }

    fn send_blocking(&self, thread: usize, update: Update) -> bool {
        self.0.send_blocking(CAPACITY, Item { update, source: SOURCES[thread % 4] })
    }

    fn swap((queue, spare): &mut Self::Swapper) {
        queue.0.swap(spare);
    }

    fn finish((queue, spare): &mut Self::Swapper, (): ()) -> usize {
        queue.0.room.notify_all();
        spare.drain(..).inspect(|item| _ = hint::black_box(item.update.word())).count()
    }

    fn stop((queue, _): Self::Swapper) {
        queue.0.stop();
    }
}
