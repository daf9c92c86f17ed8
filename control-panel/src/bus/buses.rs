//! A panel's buses: one per type of signal.

use std::{
    any::TypeId,
    fmt,
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;

use super::{
    SignalBus, Subscription,
    core::{AnyBus, Core},
};
use crate::{
    intent::{Origin, Source},
    lifecycle::RunToken,
    util::{Mutex, callbacks},
};

/// One bus at one moment, as listed by [`ControlPanel::buses`](crate::ControlPanel::buses).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusStatus {
    /// The type name of its signals, as the compiler spells it.
    pub signal: &'static str,
    /// How many signals it keeps.
    pub capacity: usize,
    /// How many subscriptions are alive.
    pub subscribers: usize,
    /// Signals published since the panel was built, including those without a subscriber.
    pub published: u64,
    /// How many of the kept signals the slowest subscriber has not taken yet. At the capacity, it misses the next ones.
    pub depth: usize,
    /// Signals that subscribers missed, in total: those [reported](super::Received::Lagged) to them so far.
    pub lagged: u64,
}

/// Totals of all buses of a panel: [`PanelStatus::signals`](crate::PanelStatus::signals).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignalTotals {
    /// Signals published since the panel was built.
    pub published: u64,
    /// Signals that subscribers missed, as far as reported to them.
    pub lagged: u64,
    /// How far the slowest subscriber of all buses is behind.
    pub depth: usize,
    /// Living subscriptions.
    pub subscribers: usize,
}

/// State shared by the buses of a panel.
pub(super) struct Hub {
    /// The panel's counter: the number of the last frame.
    frames: Arc<AtomicU64>,
    closed: AtomicBool,
    pub(super) capacity: usize,
    pub(super) wake_loop: Box<dyn Fn() + Send + Sync>,
}

impl Hub {
    pub(super) fn frame(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

/// The buses are listed in the order of first use. Searching the list takes no lock.
pub(crate) struct Buses<Src> {
    hub: Arc<Hub>,
    all: ArcSwap<Vec<Arc<dyn AnyBus>>>,
    /// Held while a bus is created.
    making: Mutex<()>,
    source: PhantomData<fn() -> Src>,
}

impl<Src> Buses<Src> {
    /// Creates the buses of a panel that counts its frames in `frames`.
    pub(crate) fn new(
        capacity: usize,
        frames: Arc<AtomicU64>,
        wake_loop: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let hub = Hub { frames, closed: AtomicBool::new(false), capacity, wake_loop: Box::new(wake_loop) };
        Self { hub: Arc::new(hub), all: ArcSwap::default(), making: Mutex::default(), source: PhantomData }
    }

    /// Called when the panel is gone: nothing is published any more, and every wait ends.
    pub(crate) fn close(&self) {
        self.hub.closed.store(true, Ordering::Release);
        callbacks::each(self.all.load().iter(), |bus| bus.wake());
    }

    pub(crate) fn status(&self) -> Vec<BusStatus> {
        self.all.load().iter().map(|bus| bus.status()).collect()
    }

    /// Allocates nothing.
    pub(crate) fn totals(&self) -> SignalTotals {
        self.all.load().iter().map(|bus| bus.status()).fold(SignalTotals::default(), |sum, bus| {
            SignalTotals {
                published: sum.published + bus.published,
                lagged: sum.lagged + bus.lagged,
                depth: sum.depth.max(bus.depth),
                subscribers: sum.subscribers + bus.subscribers,
            }
        })
    }
}

impl<Src: Source> Buses<Src> {
    /// Returns the bus of this type of signal, and creates it on first use.
    pub(super) fn of<S: Send + Sync + 'static>(&self) -> Arc<Core<S, Src>> {
        if let Some(bus) = self.find() {
            return bus;
        }
        let _turn = self.making.lock();
        self.find().unwrap_or_else(|| {
            let new = Arc::new(Core::new(Arc::clone(&self.hub)));
            let mut all = Vec::clone(&self.all.load());
            all.push(Arc::clone(&new) as Arc<dyn AnyBus>);
            self.all.store(Arc::new(all));
            new
        })
    }

    /// `run` is the worker's; `None` if the publisher is not a worker.
    pub(crate) fn publisher<S: Send + Sync + 'static>(
        &self,
        source: Src,
        origin: Origin,
        run: Option<Arc<RunToken>>,
    ) -> SignalBus<S, Src> {
        SignalBus::new(self.of(), source, origin, run)
    }

    /// `run` is the worker's; `None` if the subscriber is not a worker.
    pub(crate) fn subscribe<S: Send + Sync + 'static>(
        &self,
        run: Option<Arc<RunToken>>,
    ) -> Subscription<S, Src> {
        Subscription::new(self.of(), run)
    }

    fn find<S: Send + Sync + 'static>(&self) -> Option<Arc<Core<S, Src>>> {
        let all = self.all.load();
        let bus = all.iter().find(|bus| bus.signal() == TypeId::of::<S>())?;
        Arc::clone(bus).as_any().downcast().ok()
    }
}

impl<Src> fmt::Debug for Buses<Src> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.status()).finish()
    }
}
