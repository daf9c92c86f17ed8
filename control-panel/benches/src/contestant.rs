//! The seam between the benchmarks and what they measure.

use std::future::Future;

use control_panel::IntentSource;
use tokio::runtime::Handle;

use crate::intents::{Eat, Update};

/// A queue with a frame loop at its end, as a user would write it.
pub trait Contestant: Sized {
    const NAME: &'static str;
    type Lane: Lane;

    /// A queue of this capacity and a producer for each of `sources`. Where the contestant needs an executor
    /// it uses `runtime`.
    fn open(capacity: usize, sources: &[IntentSource], runtime: &Handle) -> (Self, Vec<Self::Lane>);

    /// One frame: drains, sorts, consumes. What eats comes by value and goes back, so that what it counts may stay in
    /// registers: a sum in memory costs five cycles an intent, which would be most of the cheapest frame.
    fn frame<E: Eat>(&mut self, eat: E) -> E;

    /// What the frame owes its producers and did not pay yet: their wakes, for a contestant that can tell them apart.
    fn release(&mut self) {}
}

/// One producer.
pub trait Lane: Send + 'static {
    /// Sends, waiting for room where there is a bound. False once the queue is gone.
    fn send(&mut self, update: Update) -> impl Future<Output = bool> + Send;
}

/// A producer that can also send without an executor.
pub trait Offer: Lane {
    /// Sends into a queue that has room.
    fn offer(&mut self, update: Update);
}

/// In a loop of sends to a queue without a bound, or of tries: what keeps a worker cancellable and fair.
pub async fn yield_if_full(full: bool) {
    if full {
        tokio::task::yield_now().await;
    } else {
        tokio::task::coop::consume_budget().await;
    }
}
