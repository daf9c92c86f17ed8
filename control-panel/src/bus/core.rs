//! One bus: a ring, its listeners, its counters.

use std::{
    any::{Any, TypeId, type_name},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    buses::{BusStatus, Hub},
    listeners::{Listener, Listeners},
    ring::Ring,
    signal::{Announced, Place},
};

pub(super) struct Core<S, Src> {
    pub(super) ring: Ring<Announced<S, Src>>,
    pub(super) listeners: Listeners,
    /// Signals published without a subscriber; they get no number.
    unheard: AtomicU64,
    /// How many signals subscribers missed, in total.
    lagged: AtomicU64,
    pub(super) hub: Arc<Hub>,
}

impl<S, Src> Core<S, Src> {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self {
            ring: Ring::new(hub.capacity),
            listeners: Listeners::default(),
            unheard: AtomicU64::new(0),
            lagged: AtomicU64::new(0),
            hub,
        }
    }

    /// Counts a signal that has no subscriber. It gets no number: a subscription made meanwhile would wait for it.
    pub(super) fn unheard(&self) {
        self.unheard.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds a listener. Returns it and the number of the first signal that it reads.
    pub(super) fn listen(&self) -> (Arc<Listener>, u64) {
        let listener = Arc::new(Listener::default());
        listener.set_next(u64::MAX);
        // Listed first: a publisher that publishes after the number was read finds it.
        self.listeners.add(Arc::clone(&listener));
        let next = self.ring.claimed() + 1;
        listener.set_next(next);
        (listener, next)
    }

    pub(super) fn missed(&self, signals: u64) {
        self.lagged.fetch_add(signals, Ordering::Relaxed);
    }
}

impl<S: Send + Sync + 'static, Src: Send + Sync + 'static> Core<S, Src> {
    /// Writes a signal and wakes the waiting listeners. Returns the entry that it replaced.
    pub(super) fn publish(&self, entry: Place<S, Src>, signal: Announced<S, Src>) -> Place<S, Src> {
        let replaced = self.ring.put(entry, signal);
        self.wake();
        replaced
    }
}

/// A bus, whatever the type of its signals.
pub(super) trait AnyBus: Send + Sync {
    fn signal(&self) -> TypeId;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    fn status(&self) -> BusStatus;
    /// Wakes the waiting listeners: after a signal, and when the panel is gone, as every wait ends then.
    fn wake(&self);
}

impl<S: Send + Sync + 'static, Src: Send + Sync + 'static> AnyBus for Core<S, Src> {
    fn signal(&self) -> TypeId {
        TypeId::of::<S>()
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn status(&self) -> BusStatus {
        let capacity = self.ring.capacity();
        // Read before the last number: so it is not ahead of that, unless the listener has only just subscribed.
        let slowest = self.listeners.slowest();
        let last = self.ring.claimed();
        let behind = slowest.map_or(0, |next| (last + 1).saturating_sub(next));
        BusStatus {
            signal: type_name::<S>(),
            capacity,
            subscribers: self.listeners.len(),
            published: last + self.unheard.load(Ordering::Relaxed),
            depth: usize::try_from(behind).map_or(capacity, |behind| behind.min(capacity)),
            lagged: self.lagged.load(Ordering::Relaxed),
        }
    }

    fn wake(&self) {
        self.listeners.wake(|| (self.hub.wake_loop)());
    }
}
