//! The policy: one value that the frame loop sets and every worker can watch.

use std::{error::Error, fmt, sync::Arc};

use tokio::sync::watch;

use crate::{
    lifecycle::{RunToken, Stopped},
    util::{Mutex, Raced, park, race},
};

/// The writing side. Its lock is held only to exchange one `Arc`.
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
        let before = self.sender.lock().as_ref().map(|sender| sender.send_replace(policy));
        drop(before);
    }

    pub(crate) fn get(&self) -> Arc<P> {
        Arc::clone(&self.newest.borrow())
    }

    /// Creates a watch that has seen the current value.
    pub(crate) fn watch(&self) -> PolicyWatch<P> {
        let mut watch = self.newest.clone();
        watch.mark_unchanged();
        PolicyWatch { newest: watch, run_token: None }
    }

    /// Called when the panel is gone: the policy will not change any more.
    pub(crate) fn close(&self) {
        let sender = self.sender.lock().take();
        drop(sender);
    }
}

/// A worker's view of the policy. Created by [`Context::policy`](crate::Context::policy).
///
/// It returns `Arc`s and never a guard, so a worker that uses the policy for long does not hold up
/// [`set_policy`](crate::ControlPanel::set_policy). Intermediate values may be skipped; the newest never is.
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
pub struct PolicyWatch<P> {
    newest: watch::Receiver<Arc<P>>,
    /// The token of the run that watches.
    run_token: Option<Arc<RunToken>>,
}

impl<P> PolicyWatch<P> {
    /// Creates a watch that has seen the same values, for a run: it waits only until that run is asked to stop.
    pub(crate) fn of(&self, run_token: &Arc<RunToken>) -> Self {
        Self { newest: self.newest.clone(), run_token: Some(Arc::clone(run_token)) }
    }

    /// Waits for a policy that this watch has not returned yet.
    ///
    /// Values set after the worker's start (for a clone: after the original's last read) count as not seen.
    ///
    /// # Errors
    /// [`PolicyClosed`] once the worker is asked to stop, or the panel is gone.
    ///
    /// # Cancel safety
    /// Cancel-safe: a change that a cancelled call would have returned is returned by the next one.
    pub async fn changed(&mut self) -> Result<(), PolicyClosed> {
        let Self { newest, run_token } = self;
        let changed = match run_token {
            None => newest.changed().await,
            // Checked first: a worker that is asked to stop does not begin anything new.
            Some(run_token) => match race(run_token.token().cancelled(), newest.changed()).await {
                Raced::First(()) => return Err(PolicyClosed),
                Raced::Second(changed) => changed,
            },
        };
        changed.map_err(|_| PolicyClosed)
    }

    /// Like [`changed`](Self::changed), for a worker on a thread.
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
    /// #[worker(source = IntentSource::PrefetchScheduler, kind = thread)]
    /// fn scheduler(cx: Context<Update, Limits>) {
    ///     let mut policy = cx.policy();
    ///     while policy.changed_blocking().is_ok() {
    ///         let budget = policy.borrow_and_update().budget;
    ///         cx.send_blocking(Update::Budget(budget)).ok();
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// As `changed`.
    ///
    /// # Panics
    /// In async code: use `changed().await` there.
    #[track_caller]
    pub fn changed_blocking(&mut self) -> Result<(), PolicyClosed> {
        park::assert_may_block("changed_blocking", "`changed().await`");
        park::wait(self.changed())
    }

    /// Returns the current policy and marks it as seen. Costs a reference count.
    pub fn borrow_and_update(&mut self) -> Arc<P> {
        Arc::clone(&self.newest.borrow_and_update())
    }

    /// Returns the current policy without marking it as seen.
    ///
    /// ```
    /// # use control_panel::ControlPanel;
    /// # use control_panel::{GraphIntent, IntentSource};
    /// # #[derive(GraphIntent)] enum Update {}
    /// let panel = ControlPanel::<Update, u32>::builder().policy(1).build();
    /// let mut watch = panel.context(IntentSource::Restore).policy();
    /// assert_eq!(*watch.borrow_and_update(), 1);
    /// panel.set_policy(2);
    /// assert_eq!(*watch.borrow(), 2); // a look: the change is still news
    /// # assert_eq!(*watch.borrow_and_update(), 2);
    /// ```
    pub fn borrow(&self) -> Arc<P> {
        Arc::clone(&self.newest.borrow())
    }
}

impl<P> Clone for PolicyWatch<P> {
    fn clone(&self) -> Self {
        Self { newest: self.newest.clone(), run_token: self.run_token.clone() }
    }
}

impl<P> fmt::Debug for PolicyWatch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyWatch")
            .field("changed", &self.newest.has_changed().unwrap_or(false))
            .finish_non_exhaustive()
    }
}

/// The policy cannot be waited for any more: the worker that watches it was asked to stop, or the panel is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyClosed;

impl fmt::Display for PolicyClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the worker was asked to stop, or its panel is gone, so the policy changes no more: let the worker return")
    }
}

impl Error for PolicyClosed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Stopped::ASKED)
    }
}
