//! The frame loop's own intents: one origin per source, in call order.

use std::collections::BTreeMap;

use crate::{
    intent::{Intent, Origin},
    queue::{Local, Queue},
};

/// How many origins of local intents are remembered. A source type with more values gets new origins now and then, which orders
/// its intents just as well.
const REMEMBERED: usize = 1024;

pub(super) struct Locals<S> {
    origins: BTreeMap<S, (Origin, u64)>,
}

impl<S: Copy + Ord> Locals<S> {
    pub(super) fn new() -> Self {
        Self { origins: BTreeMap::new() }
    }

    pub(super) fn stamp<I: Intent<Source = S>>(
        &mut self,
        queue: &Queue<I>,
        source: S,
        intent: I,
    ) -> Local<I> {
        if self.origins.len() == REMEMBERED && !self.origins.contains_key(&source) {
            self.origins.clear();
        }
        let clock = intent.clock().unwrap_or(0);
        let (origin, next) = self.origins.entry(source).or_insert_with(|| (queue.origin(), 0));
        let seq = *next;
        *next += 1;
        Local { source, origin: *origin, clock, seq, intent }
    }
}
