//! How a program checks for, awaits, or is woken by a request.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio_util::sync::CancellationToken;

use super::Signal;
use crate::util::{Mutex, callbacks};

type Callback = Box<dyn FnOnce() + Send>;

/// State shared by all [`Stop`]s of the process.
#[derive(Default)]
pub(super) struct Shared {
    /// Written by the handlers: whether a signal arrived, and the number of the last one.
    pub(super) met: Arc<AtomicBool>,
    pub(super) last: Arc<AtomicUsize>,
    /// The signal of the request, fixed by the first read: the last number changes while a burst arrives.
    asked: AtomicUsize,
    token: CancellationToken,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    notified: bool,
    next: u64,
    /// At most one for each `Stop`.
    callbacks: BTreeMap<u64, Callback>,
}

impl Shared {
    /// Runs on a thread of this module, after the first signal.
    pub(super) fn notify(&self) {
        self.signal();
        self.token.cancel();
        let mut waiting = self.waiting.lock();
        waiting.notified = true;
        let notified = std::mem::take(&mut waiting.callbacks);
        drop(waiting);
        callbacks::each(notified.into_values(), |callback| callback());
    }

    fn signal(&self) -> Option<Signal> {
        let last = self.last.load(Ordering::Acquire);
        match self.asked.compare_exchange(0, last, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Signal::of(last),
            Err(asked) => Signal::of(asked),
        }
    }
}

/// Whether the process was asked to stop. Created by [`listen`](super::listen). Clones share their state.
#[must_use = "a signal that is not looked at stops nothing"]
pub struct Stop {
    shared: Arc<Shared>,
    id: u64,
}

impl Stop {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let mut waiting = shared.waiting.lock();
        let id = waiting.next;
        waiting.next += 1;
        drop(waiting);
        Self { shared, id }
    }

    /// Returns whether a signal arrived. Costs a load: for a synchronous loop.
    pub fn is_requested(&self) -> bool {
        self.shared.met.load(Ordering::Acquire)
    }

    /// Returns the signal that made the request, once there is one: the first. If several arrive before anything reads this,
    /// the last of them.
    ///
    /// ```
    /// # fn ended(stop: &control_panel::signals::Stop) -> String {
    /// match stop.signal() {
    ///     Some(signal) => format!("stopped by {}", signal.name()),
    ///     None => "ended by itself".to_owned(),
    /// }
    /// # }
    /// ```
    pub fn signal(&self) -> Option<Signal> {
        self.shared.signal()
    }

    /// Waits until a signal arrives. Needs no runtime of any kind.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only observes.
    ///
    /// ```
    /// # async fn serve(stop: control_panel::signals::Stop) {
    /// // In async code, beside what it serves.
    /// stop.requested().await;
    /// # }
    /// ```
    pub async fn requested(&self) {
        self.shared.token.cancelled().await;
    }

    /// Calls `wake` once when a signal arrives, to wake a sleeping loop; immediately if one has arrived already. It
    /// runs on a thread of this module, not in the handler: it may do anything, but should be quick, because other
    /// callbacks wait for it.
    ///
    /// Applies for as long as this `Stop` lives: dropping it, or another call, removes the callback.
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource, signals};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Quit,
    /// }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// let stop = signals::listen()?;
    /// let sender = panel.sender(IntentSource::LocalUI);
    /// stop.on_request(move || {
    ///     sender.try_send(Update::Quit).ok();
    /// }); // wakes `wait_ready` and `on_ready`
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_request(&self, wake: impl FnOnce() + Send + 'static) {
        let mut waiting = self.shared.waiting.lock();
        if waiting.notified {
            drop(waiting);
            return wake();
        }
        let before = waiting.callbacks.insert(self.id, Box::new(wake));
        drop(waiting);
        drop(before);
    }
}

impl Clone for Stop {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        let callback = self.shared.waiting.lock().callbacks.remove(&self.id);
        drop(callback);
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").field("signal", &self.signal()).finish_non_exhaustive()
    }
}
