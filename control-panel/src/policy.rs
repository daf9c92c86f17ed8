//! The policy: one value that the frame loop sets and every worker can watch.

use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// The setting side. Its lock is held for the exchange of one `Arc`.
pub(crate) struct Policy<P> {
    sender: Mutex<Option<watch::Sender<Arc<P>>>>,
    newest: watch::Receiver<Arc<P>>,
}

impl<P> Policy<P> {
    pub(crate) fn new(policy: P) -> Self {
        let (sender, newest) = watch::channel(Arc::new(policy));
        Self { sender: Mutex::new(Some(sender)), newest }
    }

    pub(crate) fn set(&self, policy: P) {
        let policy = Arc::new(policy);
        let before = self.sender().as_ref().map(|sender| sender.send_replace(policy));
        drop(before);
    }

    pub(crate) fn get(&self) -> Arc<P> {
        Arc::clone(&self.newest.borrow())
    }

    /// A watch that has seen what is set now.
    pub(crate) fn watch(&self) -> PolicyWatch<P> {
        let mut watch = self.newest.clone();
        watch.mark_unchanged();
        PolicyWatch(watch)
    }

    /// The panel is gone: the policy will not change any more.
    pub(crate) fn close(&self) {
        let sender = self.sender().take();
        drop(sender);
    }

    fn sender(&self) -> MutexGuard<'_, Option<watch::Sender<Arc<P>>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker's view of the policy: what [`Context::policy`](crate::Context::policy) returns.
///
/// It hands out `Arc`s and never a guard, so that a worker that looks at the policy for long does not hold
/// up [`set_policy`](crate::ControlPanel::set_policy). Intermediate values may be skipped; the newest never is.
///
/// ```
/// use control_panel::{Context, GraphIntent, IntentSource, worker};
///
/// #[derive(GraphIntent)]
/// enum Update { Budget(usize) }
///
/// #[derive(Default)]
/// struct Limits { budget: usize }
///
/// #[worker(source = IntentSource::PrefetchScheduler)]
/// async fn scheduler(cx: Context<Update, Limits>) {
///     let mut policy = cx.policy();
///     while policy.changed().await.is_ok() {
///         let budget = policy.borrow_and_update().budget;
///         cx.send(Update::Budget(budget)).await.ok();
///     }
/// }
/// ```
pub struct PolicyWatch<P>(watch::Receiver<Arc<P>>);

impl<P> PolicyWatch<P> {
    /// Waits for a policy that this watch has not returned yet.
    ///
    /// What was set after the worker's start (for a clone: after the original last looked) counts as not seen.
    ///
    /// # Errors
    /// [`PolicyClosed`] once the panel is gone.
    ///
    /// # Cancel safety
    /// Cancel-safe: a change that a cancelled call would have returned is returned by the next one.
    pub async fn changed(&mut self) -> Result<(), PolicyClosed> {
        self.0.changed().await.map_err(|_| PolicyClosed)
    }

    /// The current policy, marked as seen. Costs a reference count.
    pub fn borrow_and_update(&mut self) -> Arc<P> {
        Arc::clone(&self.0.borrow_and_update())
    }

    /// The current policy, not marked as seen.
    pub fn borrow(&self) -> Arc<P> {
        Arc::clone(&self.0.borrow())
    }
}

impl<P> Clone for PolicyWatch<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P> fmt::Debug for PolicyWatch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyWatch")
            .field("changed", &self.0.has_changed().unwrap_or(false))
            .finish_non_exhaustive()
    }
}

/// The panel whose policy was watched is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyClosed;

impl fmt::Display for PolicyClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the panel is gone: its policy will not change any more")
    }
}

impl Error for PolicyClosed {}
