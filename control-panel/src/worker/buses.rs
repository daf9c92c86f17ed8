//! Buses and subscriptions of workers.

use std::sync::Arc;

use crate::{
    bus::{SignalBus, Subscription},
    intent::Intent,
    worker::context::Context,
};

/// # Signals
impl<I: Intent, P> Context<I, P> {
    /// Returns the bus of signals of type `S`, which publishes as this worker, with its source and origin. Call it once and
    /// keep the bus. Once this run has ended, the bus publishes nothing more.
    ///
    /// Its signals carry the number of the last frame that had begun.
    pub fn bus<S: Send + Sync + 'static>(&self) -> SignalBus<S, I::Source> {
        self.buses().publisher(self.source(), self.cell().origin, Some(Arc::clone(self.run_token())))
    }

    /// Subscribes to the signals of type `S` published from now on, until this worker is asked to stop.
    ///
    /// The subscription belongs to this run: a restarted worker subscribes again, and misses what was published in between.
    pub fn subscribe<S: Send + Sync + 'static>(&self) -> Subscription<S, I::Source> {
        self.buses().subscribe(Some(Arc::clone(self.run_token())))
    }
}
