//! Publish and subscribe: a typed [`SignalBus`] announces to workers, views and other threads what has changed.
//!
//! An intent requests a change of the state. A signal announces that one has happened, and changes nothing.
//!
//! ```
//! use control_panel::{ControlPanel, GraphIntent, IntentSource, bus::Received};
//!
//! #[derive(GraphIntent)]
//! enum Update {}
//!
//! /// A page was opened.
//! #[derive(Debug, PartialEq)]
//! struct Opened(&'static str);
//!
//! let panel = ControlPanel::<Update>::new();
//! let opened = panel.bus::<Opened>(IntentSource::LocalUI);
//! let mut subscription = panel.subscribe::<Opened>();
//! opened.publish(Opened("index.html"));
//! let Some(Received::Signal(signal)) = subscription.try_recv() else {
//!     panic!("it was published")
//! };
//! assert_eq!(*signal, Opened("index.html"));
//! ```

// | file | what it is |
// |---|---|
// | `ring` | the last signals, each in its place; pure, without a lock |
// | `listeners` | the subscriptions that wait for the next signal, and their wakers |
// | `core` | one bus: a ring, its listeners, its counts |
// | `buses` | a panel's buses, one for each type of signal |
// | `signal` | a signal as a subscriber receives it |
// | `subscription` | a subscriber's end |
// | `panel/buses`, `worker/buses` | how panels, spawners and workers create both ends |
//
// Glossary. A *claim* is the number of a signal in its bus's order, taken by one atomic addition. A *listener* is the shared
// half of a subscription: its waker, and how far it has read. It is *armed* while it waits to be woken.
//
// Why not `tokio::sync::broadcast`: its `send` takes a lock that every receiver takes too, and the lock of a slot that a
// lagging receiver may hold while it clones a value, which runs the program's code. A receiver that is descheduled there holds
// up the frame. Here neither publishing nor reading takes a lock: an entry is exchanged as a whole (`arc-swap`), and the
// memory of the replaced entry is reused, so that publishing does not allocate either.

mod buses;
mod core;
mod listeners;
mod ring;
mod signal;
mod subscription;

use std::{
    any::type_name,
    fmt,
    sync::{Arc, MutexGuard},
};

pub(crate) use self::buses::Buses;
pub use self::{
    buses::{BusStatus, SignalTotals},
    signal::{Received, Signal},
    subscription::Subscription,
};
use self::{
    core::Core,
    signal::{Announced, Place},
};
use crate::{
    intent::{IntentSource, Origin, Source},
    lifecycle::RunToken,
    util::Mutex,
};

/// How many signals each bus keeps, unless the builder says otherwise.
pub(crate) const CAPACITY: usize = 64;

/// Announces signals of the type `S` to every subscriber. Created by [`ControlPanel::bus`](crate::ControlPanel::bus),
/// [`Spawner::bus`](crate::Spawner::bus) and [`Context::bus`](crate::Context::bus).
///
/// An intent requests a change, and goes to the one owner of the state. A signal announces a change that has happened, goes to
/// all that [subscribed](crate::Context::subscribe), and changes nothing by itself: a publisher does not know its subscribers,
/// and behaves the same without any. A panel has one bus for each type of signal that is published or subscribed to, created on
/// first use.
///
/// (The operating system's signals, Ctrl-C and SIGTERM, are handled by the module `signals`, behind the feature of that name.)
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, worker,
///     bus::Received,
/// };
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Indexed(String),
/// }
///
/// /// A page was opened.
/// struct Opened(String);
///
/// #[worker(source = IntentSource::Restore)]
/// async fn index(cx: Context<Update>) {
///     let mut opened = cx.subscribe::<Opened>();
///     # cx.send(Update::Indexed("ready".into())).await.ok();
///     while let Some(received) = opened.recv().await {
///         match received {
///             Received::Signal(page) => {
///                 cx.send(Update::Indexed(page.0.clone())).await.ok()
///             }
///             Received::Lagged(missed) => {
///                 panic!("{missed} pages are in no index")
///             }
///         };
///     }
/// }
///
/// let mut panel = ControlPanel::<Update>::new();
/// let opened = panel.bus::<Opened>(IntentSource::LocalUI); // once, and kept
/// panel.spawn_index();
/// # while panel.drain().count() == 0 { panel.wait_ready_timeout(std::time::Duration::MAX); }
/// // … in a frame, after the state changed:
/// opened.publish(Opened("index.html".into()));
/// # while panel.queued() == 0 { std::thread::yield_now() }
/// # assert!(panel.drain().all(|queued| matches!(queued.intent, Update::Indexed(page) if page == "index.html")));
/// ```
///
/// # Order
/// A bus has one total order, in which every subscriber receives its signals; it preserves the order of each publisher.
///
/// # Bounds
/// The bus keeps its last signals, by default 64 ([`signal_capacity`](crate::PanelBuilder::signal_capacity)), until newer ones
/// replace them. A subscriber that falls further behind continues with the oldest one kept, and [gets the
/// number](Received::Lagged) of signals that it missed; no publisher ever waits for it.
///
/// Call `bus` once and keep the result: the call costs a look-up and an allocation, and the bus reuses the memory of the last
/// signal that it replaced for the next one. A clone has its own memory.
pub struct SignalBus<S, Src = IntentSource> {
    core: Arc<Core<S, Src>>,
    source: Src,
    origin: Origin,
    /// The token of the run that publishes.
    run_token: Option<Arc<RunToken>>,
    /// Memory for the next signal. Only ever tried: if two threads share this very bus, one of them allocates instead.
    spare: Mutex<Option<Place<S, Src>>>,
}

impl<S: Send + Sync + 'static, Src: Source> SignalBus<S, Src> {
    fn new(core: Arc<Core<S, Src>>, source: Src, origin: Origin, run_token: Option<Arc<RunToken>>) -> Self {
        Self { core, source, origin, run_token, spare: Mutex::new(Some(Arc::default())) }
    }

    /// The memory kept for the next signal, unless another thread holds it right now.
    fn spare(&self) -> Option<MutexGuard<'_, Option<Place<S, Src>>>> {
        self.spare.try_lock()
    }

    /// Announces a signal to all current subscribers. Later subscriptions do not get it.
    ///
    /// Never waits, whatever subscribers and other publishers do: what they share is written and read without a lock. In steady
    /// state it allocates nothing; a subscriber that keeps a [`Signal`] until its place is needed again costs one allocation.
    /// Without a subscriber, the signal is counted and dropped.
    ///
    /// It wakes the waiting subscribers on this thread: tokio's wakers put a task into the scheduler's queue, and
    /// [`on_ready`](crate::PanelBuilder::on_ready) is called if a subscription of the frame loop waits. It drops the signal
    /// that it replaces. If one of these panics, the other subscribers have been woken and the signal is published.
    ///
    /// The signal carries the bus's source and the number of the panel's last frame
    /// ([`FrameReport::frame`](crate::FrameReport)): if it is published while a frame runs, the number of that frame.
    ///
    /// Once the panel is dropped, or the run of the worker whose [context](crate::Context::bus) created this bus has ended, it
    /// does nothing.
    pub fn publish(&self, signal: S) {
        if self.core.hub.is_closed() || self.run_token.as_ref().is_some_and(|run_token| run_token.has_ended())
        {
            return;
        }
        if self.core.listeners.is_empty() {
            return self.core.unheard();
        }
        let entry = self.spare().and_then(|mut spare| spare.take()).unwrap_or_default();
        let announced = Announced {
            value: signal,
            source: self.source,
            origin: self.origin,
            frame: self.core.hub.frame(),
        };
        let mut replaced = self.core.publish(entry, announced);
        // Memory that nothing else holds is reused for the next signal; the signal in it is dropped with its place.
        if let Some(entry) = Arc::get_mut(&mut replaced) {
            let gone = entry.value.take();
            let unused = self.spare().and_then(|mut spare| spare.replace(replaced));
            drop((gone, unused));
        }
    }

    /// Returns the source of these signals.
    pub fn source(&self) -> Src {
        self.source
    }
}

impl<S: Send + Sync + 'static, Src: Source> Clone for SignalBus<S, Src> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.core), self.source, self.origin, self.run_token.clone())
    }
}

impl<S, Src: fmt::Debug> fmt::Debug for SignalBus<S, Src> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalBus")
            .field("signal", &type_name::<S>())
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
