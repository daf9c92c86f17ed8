//! The host of the webviews: it drives what is observed toward what is desired, and tells what it sees.
//!
//! Headless, so a "webview" is a page's text, loaded from disk by a short-lived worker when the node becomes
//! active. Loading can fail; then the view is blocked until its retry time, each wait longer than the last.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use control_panel::{IntentSender, Reconcile};

use serde::{Deserialize, Serialize};

use crate::{
    app::GraphBrowserApp,
    intent::{GraphIntent, NodeKey},
    lifecycle::Lifecycle,
    loader::{Loader, Loading, Unloadable, WorkerLoader},
};

/// Webviews that load at a time.
const LOADING_AT_ONCE: usize = 8;
/// How long a blocked view waits before its first retry; doubled each time.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// The longest such wait.
const LAST_RETRY: Duration = Duration::from_secs(30);

/// What the host observes of a node: what it tells in `WebviewObserved`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RuntimeState {
    /// There is no webview.
    #[default]
    Unmapped,
    /// One is being made.
    PendingCreate,
    /// There is one.
    Mapped,
    /// Making one failed for the `attempt`th time; the next attempt comes after `retry_after`.
    Blocked { attempt: u32, retry_after: Duration },
}

impl RuntimeState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unmapped => "unmapped",
            Self::PendingCreate => "pending",
            Self::Mapped => "mapped",
            Self::Blocked { .. } => "blocked",
        }
    }
}

/// How long to wait after so many failed attempts.
fn retry_after(attempt: u32) -> Duration {
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
    FIRST_RETRY.saturating_mul(factor).min(LAST_RETRY)
}

/// One node's webview.
#[derive(Debug)]
struct Webview {
    state: State,
    failures: u32,
    /// The state that was reported last. A newer one is sent until the queue accepts it.
    reported: RuntimeState,
}

#[derive(Debug)]
enum State {
    Unmapped,
    Pending(Loading),
    Mapped(String),
    Blocked { retry_at: Instant },
}

impl Webview {
    fn observed(&self) -> RuntimeState {
        match self.state {
            State::Unmapped => RuntimeState::Unmapped,
            State::Pending(_) => RuntimeState::PendingCreate,
            State::Mapped(_) => RuntimeState::Mapped,
            State::Blocked { .. } => {
                RuntimeState::Blocked { attempt: self.failures, retry_after: retry_after(self.failures) }
            }
        }
    }

    /// Takes in what became of the load.
    fn advance(&mut self, now: Instant, tally: &mut HostTally) {
        let State::Pending(loading) = &self.state else { return };
        match loading.poll() {
            None => {}
            Some(Ok(text)) => {
                tally.mapped += 1;
                self.failures = 0;
                self.state = State::Mapped(text);
            }
            Some(Err(Unloadable)) => {
                tally.failed += 1;
                self.failures = self.failures.saturating_add(1);
                self.state = State::Blocked { retry_at: now + retry_after(self.failures) };
            }
        }
    }

    /// Gives up what is not wanted any more. A warm node keeps the webview it has; it gets none made.
    fn release(&mut self, desired: Lifecycle, tally: &mut HostTally) {
        match (desired, &self.state) {
            (Lifecycle::Active, _) | (Lifecycle::Warm, State::Mapped(_)) | (_, State::Unmapped) => return,
            (_, State::Pending(loading)) => loading.cancel(),
            (_, State::Mapped(_)) => tally.unmapped += 1,
            (_, State::Blocked { .. }) => {}
        }
        self.state = State::Unmapped;
        self.failures = 0;
    }

    /// Whether a load is due for this view of an active node.
    fn is_due(&self, now: Instant) -> bool {
        match self.state {
            State::Unmapped => true,
            State::Blocked { retry_at } => now >= retry_at,
            State::Pending(_) | State::Mapped(_) => false,
        }
    }
}

/// What the host did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HostTally {
    pub(crate) mapped: u64,
    pub(crate) unmapped: u64,
    /// Loads that failed, retries included.
    pub(crate) failed: u64,
    /// Observations for which the queue had no room at first, and which a later frame reported.
    pub(crate) reported_later: u64,
}

/// The host: the only one that makes and drops webviews.
#[derive(Debug)]
pub(crate) struct WebviewHost<L = WorkerLoader> {
    views: BTreeMap<NodeKey, Webview>,
    loader: L,
    report: IntentSender<GraphIntent>,
    pub(crate) tally: HostTally,
}

impl<L: Loader> WebviewHost<L> {
    pub(crate) fn new(loader: L, report: IntentSender<GraphIntent>) -> Self {
        Self { views: BTreeMap::new(), loader, report, tally: HostTally::default() }
    }

    /// Whether nothing is under way: all that is wanted is mapped or blocked, and reported.
    pub(crate) fn is_settled(&self, app: &GraphBrowserApp) -> bool {
        let quiet =
            |view: &Webview| !matches!(view.state, State::Pending(_)) && view.reported == view.observed();
        self.views.values().all(quiet) && app.lifecycles.active().all(|key| self.views.contains_key(&key))
    }

    /// Whether no webview is held for a cold node, and none is loading for one that is not active.
    pub(crate) fn is_consistent(&self, app: &GraphBrowserApp) -> bool {
        self.views.iter().all(|(key, view)| match view.state {
            State::Unmapped => true,
            State::Mapped(_) => app.lifecycles.of(*key) != Lifecycle::Cold,
            State::Pending(_) | State::Blocked { .. } => app.lifecycles.of(*key) == Lifecycle::Active,
        })
    }

    /// What is observed of each node that has a webview, or had one in this frame.
    pub(crate) fn observed(&self) -> impl Iterator<Item = (NodeKey, RuntimeState)> {
        self.views.iter().map(|(key, view)| (*key, view.observed()))
    }

    /// The text in a node's webview, where it has one.
    #[cfg(feature = "window")]
    pub(crate) fn text(&self, key: NodeKey) -> Option<&str> {
        match &self.views.get(&key)?.state {
            State::Mapped(text) => Some(text),
            _ => None,
        }
    }

    /// Whether something is under way or will be tried again, which no intent announces.
    #[cfg(feature = "window")]
    pub(crate) fn waits(&self) -> bool {
        self.views.values().any(|view| matches!(view.state, State::Pending(_) | State::Blocked { .. }))
    }

    /// The bytes of text held in webviews.
    pub(crate) fn text_bytes(&self) -> usize {
        let text = |view: &Webview| if let State::Mapped(text) = &view.state { text.len() } else { 0 };
        self.views.values().map(text).sum()
    }

    fn reconcile_at(&mut self, app: &GraphBrowserApp, now: Instant) {
        for (key, view) in &mut self.views {
            view.advance(now, &mut self.tally);
            view.release(app.lifecycles.of(*key), &mut self.tally);
        }
        self.start_loads(app, now);
        self.report_changes();
    }

    fn start_loads(&mut self, app: &GraphBrowserApp, now: Instant) {
        let pending = |view: &&Webview| matches!(view.state, State::Pending(_));
        let mut loading = self.views.values().filter(pending).count();
        for key in app.lifecycles.active() {
            if loading >= LOADING_AT_ONCE {
                break;
            }
            let Some(node) = app.graph().node(key) else { continue };
            let view = self.views.entry(key).or_insert(Webview {
                state: State::Unmapped,
                failures: 0,
                reported: RuntimeState::Unmapped,
            });
            if view.is_due(now) {
                view.state = State::Pending(self.loader.load(&node.path));
                loading += 1;
            }
        }
    }

    /// Reports what changed. What the queue has no room for is reported by a later frame.
    fn report_changes(&mut self) {
        for (&key, view) in &mut self.views {
            let state = view.observed();
            if state == view.reported {
                continue;
            }
            match self.report.try_send(GraphIntent::WebviewObserved { key, state }) {
                Ok(()) => view.reported = state,
                Err(_) => self.tally.reported_later += 1,
            }
        }
        self.views.retain(|_, view| {
            !matches!(view.state, State::Unmapped) || view.reported != RuntimeState::Unmapped
        });
    }
}

impl<L: Loader> Reconcile<GraphBrowserApp> for WebviewHost<L> {
    fn reconcile(&mut self, app: &GraphBrowserApp) {
        self.reconcile_at(app, Instant::now());
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
