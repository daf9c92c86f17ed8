//! How workers come by a bus, and by subscriptions to it.

use std::sync::Arc;

use crate::{
    bus::{SignalBus, Subscription},
    intent::Intent,
    worker::context::Context,
};

impl<I: Intent, P> Context<I, P> {
    /// The bus of signals of type `S`, to publish on it as this worker, with its source and origin. Take it once and keep
    /// it. It publishes nothing any more once this run has ended.
    ///
    /// The frame of its signals is the last one that had begun.
    pub fn bus<S: Send + Sync + 'static>(&self) -> SignalBus<S, I::Source> {
        self.buses().publisher(self.source(), self.cell().origin, Some(Arc::clone(self.term())))
    }

    /// Listens to the signals of type `S` that are published from now on, until this worker is asked to stop.
    ///
    /// It is this run's: a worker that is restarted subscribes anew, and does not get what was published in between.
    pub fn subscribe<S: Send + Sync + 'static>(&self) -> Subscription<S, I::Source> {
        self.buses().subscribe(Some(Arc::clone(self.term())))
    }
}
