//! The way back: a typed [`SignalBus`] beside the panel. Intents request a change of the state; signals announce one, and
//! change nothing.
//!
//! | file | what it is |
//! |---|---|
//! | `ring` | the last signals, each in its place; pure, without a lock |
//! | `listeners` | who waits for the next one, and their wakers |
//! | `core` | one bus: a ring, its listeners, its counts |
//! | `buses` | a panel's buses, one for each type of signal |
//! | `signal` | a signal as a subscriber gets it |
//! | `subscription` | a subscriber's end |
//! | `attach` | how panels, spawners and workers come by both ends |
//!
//! Glossary. A *claim* is the number of a signal in the order of its bus, taken by one atomic addition. A *listener* is
//! the shared half of a subscription: its waker, and how far it has read. It is *armed* while it waits to be woken.
//!
//! Why not `tokio::sync::broadcast`: its `send` takes a lock that every receiver takes too, and the lock of a slot that a
//! lagging receiver may hold while it clones (the program's code). A receiver that is descheduled there holds up the
//! frame. Here nothing takes a lock to publish or to read: a place is exchanged as a whole (`arc-swap`), and what it held
//! before is used again, so that publishing allocates nothing either.

mod buses;
mod core;
mod listeners;
mod ring;
mod signal;
mod subscription;

use std::{
    any::type_name,
    fmt,
    sync::{Arc, Mutex, MutexGuard, TryLockError},
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
    intent::{IntentSource, Source, order::Origin},
    lifecycle::run_token::RunToken,
};

/// How many signals of each bus are kept, unless the builder says otherwise.
pub(crate) const CAPACITY: usize = 64;

/// Announces signals of the type `S` to every subscriber: what [`ControlPanel::bus`](crate::ControlPanel::bus),
/// [`Spawner::bus`](crate::Spawner::bus) and [`Context::bus`](crate::Context::bus) return.
///
/// An intent requests a change, and goes to the one owner of the state. A signal announces a change that has happened, goes
/// to all that [subscribed](crate::Context::subscribe), and changes nothing by itself: a publisher does not know its subscribers, and
/// is the same without any. A panel has one bus for each type of signal that is published or subscribed to; it comes into
/// being with the first use.
///
/// (The operating system's signals, Ctrl-C and SIGTERM, are the module `signals`, behind the feature of that name.)
///
/// ```
/// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Received, worker};
///
/// #[derive(GraphIntent)]
/// enum Update { Indexed(String) }
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
///             Received::Signal(page) => cx.send(Update::Indexed(page.0.clone())).await.ok(),
///             Received::Lagged(missed) => panic!("{missed} pages are in no index"),
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
/// A bus has one total order, in which every subscriber gets its signals; a publisher's are in it as it published them.
///
/// # Bounds
/// The bus keeps its last signals, by default 64 ([`signal_capacity`](crate::PanelBuilder::signal_capacity)), until newer
/// ones take their places. A subscriber that is further behind goes on with the oldest that is kept, and
/// [gets the number](Received::Lagged) of those that it missed; no publisher ever waits for it.
///
/// Take a bus once and keep it: it is a look-up and an allocation, and keeps the memory of the signal that it replaced last
/// for the next. A clone has memory of its own.
pub struct SignalBus<S, Src = IntentSource> {
    core: Arc<Core<S, Src>>,
    source: Src,
    origin: Origin,
    /// That of the run that publishes.
    term: Option<Arc<RunToken>>,
    /// For the next signal. Only ever tried: where two threads share this very bus, one makes another.
    spare: Mutex<Option<Place<S, Src>>>,
}

impl<S: Send + Sync + 'static, Src: Source> SignalBus<S, Src> {
    fn new(core: Arc<Core<S, Src>>, source: Src, origin: Origin, term: Option<Arc<RunToken>>) -> Self {
        Self { core, source, origin, term, spare: Mutex::new(Some(Arc::default())) }
    }

    /// The memory that is kept for the next signal, if no other thread looks at it right now.
    fn spare(&self) -> Option<MutexGuard<'_, Option<Place<S, Src>>>> {
        match self.spare.try_lock() {
            Ok(spare) => Some(spare),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Announces a signal to all that are subscribed now. Later subscriptions do not get it.
    ///
    /// Never waits, whatever subscribers and other publishers do: what they share is written and read without a lock. In steady
    /// state it allocates nothing; a subscriber that keeps a [`Signal`] until its place is needed again costs one
    /// allocation. Without a subscriber the signal is counted and dropped.
    ///
    /// It wakes the subscribers that wait, on this thread: tokio's wakers put a task into the scheduler's queue, and
    /// [`on_ready`](crate::PanelBuilder::on_ready) is called where a subscription of the frame loop waits. It drops the
    /// signal that it replaces. Should one of these panic, the others have had their turn and the signal is published.
    ///
    /// The signal carries the bus's source and the number of the panel's last frame
    /// ([`FrameReport::frame`](crate::FrameReport)): published while a frame runs, that one.
    ///
    /// Once the panel is dropped, or the run of the worker whose [context](crate::Context::bus) made this bus has ended,
    /// it does nothing.
    pub fn publish(&self, signal: S) {
        if self.core.is_closed() || self.term.as_ref().is_some_and(|term| term.has_ended()) {
            return;
        }
        if !self.core.has_listeners() {
            return self.core.unheard();
        }
        let entry = self.spare().and_then(|mut spare| spare.take()).unwrap_or_default();
        let announced =
            Announced { value: signal, source: self.source, origin: self.origin, frame: self.core.frame() };
        let mut replaced = self.core.publish(entry, announced);
        // Memory that no one else holds is the next signal's; what was in it goes with its place.
        if let Some(entry) = Arc::get_mut(&mut replaced) {
            let gone = entry.take();
            let unused = self.spare().and_then(|mut spare| spare.replace(replaced));
            drop((gone, unused));
        }
    }

    /// Whose signals these are.
    pub fn source(&self) -> Src {
        self.source
    }
}

impl<S: Send + Sync + 'static, Src: Source> Clone for SignalBus<S, Src> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.core), self.source, self.origin, self.term.clone())
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
