//! The least that a bucketed swap can cost: no shares, no rests, no waiting, no order by origin. No usable queue, but the
//! floor under control-panel's.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use control_panel::IntentSource;
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane, Offer, yield_if_full},
    intents::{Eat, Item, Update, sort},
};

pub struct Bare {
    queue: Arc<Mutex<State>>,
    frame: Buckets,
    sources: Vec<IntentSource>,
}

struct State {
    active: Buckets,
    held: usize,
    capacity: usize,
}

#[derive(Default)]
struct Buckets {
    local: Vec<Vec<Update>>,
    clocked: Vec<Item>,
    len: usize,
}

pub struct BareLane {
    queue: Arc<Mutex<State>>,
    source: IntentSource,
    bucket: usize,
}

fn lock(queue: &Mutex<State>) -> MutexGuard<'_, State> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Buckets {
    fn new(sources: usize) -> Self {
        Self { local: (0..sources).map(|_| Vec::new()).collect(), ..Self::default() }
    }
}

impl Contestant for Bare {
    const NAME: &'static str = "a bare bucketed swap";
    type Lane = BareLane;

    fn open(capacity: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<BareLane>) {
        let active = Buckets::new(sources.len());
        let queue = Arc::new(Mutex::new(State { active, held: 0, capacity }));
        let lanes = sources.iter().enumerate();
        let lanes = lanes.map(|(bucket, &source)| BareLane { queue: Arc::clone(&queue), source, bucket });
        let lanes = lanes.collect();
        (Self { queue, frame: Buckets::new(sources.len()), sources: sources.to_vec() }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        let mut state = lock(&self.queue);
        mem::swap(&mut state.active, &mut self.frame);
        state.held -= self.frame.len;
        drop(state);
        for (bucket, &source) in self.frame.local.iter_mut().zip(&self.sources) {
            for update in bucket.drain(..) {
                eat.eat(source, &update);
            }
        }
        sort(&mut self.frame.clocked);
        for item in self.frame.clocked.drain(..) {
            eat.eat(item.source, &item.update);
        }
        self.frame.len = 0;
        eat
    }
}

impl BareLane {
    fn try_send(&self, update: Update) -> bool {
        let mut state = lock(&self.queue);
        let free = state.held < state.capacity;
        if free {
            state.held += 1;
            let Buckets { local, clocked, len } = &mut state.active;
            *len += 1;
            match update {
                Update::Local { .. } => local[self.bucket].push(update),
                Update::Remote { .. } => clocked.push(Item { update, source: self.source }),
            }
        }
        free
    }
}

impl Lane for BareLane {
    async fn send(&mut self, update: Update) -> bool {
        while !self.try_send(update) {
            yield_if_full(true).await;
        }
        yield_if_full(false).await;
        true
    }
}

impl Offer for BareLane {
    fn offer(&mut self, update: Update) {
        assert!(self.try_send(update));
    }
}
