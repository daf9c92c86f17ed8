//! What a view reads of a panel, and when a draw of it is worth it.

use std::{
    fmt,
    task::{Context, Poll},
    time::Duration,
};

use control_panel::console::{Console, History, Limits, Observer, View};

/// Between two looks at the panel at least, whatever the load: ten draws a second are enough for an eye.
pub const INTERVAL: Duration = Duration::from_millis(100);
/// Between two looks at most, while a console is shown: what only time changes is never older than that.
pub const TICK: Duration = Duration::from_secs(1);

/// An [`Observer`] with what was read of it. How a view waits for its next draw is the view's; whether one is worth it is said here.
///
/// ```
/// use control_panel::{ControlPanel, GraphIntent};
/// use control_panel_pages::Watch;
///
/// #[derive(GraphIntent)]
/// enum Update {}
///
/// let mut panel = ControlPanel::<Update>::builder().name("demo").build();
/// let mut watch = Watch::new(panel.observer());
/// assert!(watch.look(), "the first look is news");
/// panel.drain();
/// assert!(watch.has_changed() && !watch.look(), "a frame without an intent is none");
/// assert_eq!(watch.view().unwrap().panel, "demo");
/// ```
pub struct Watch {
    observer: Observer,
    console: Console,
    view: Option<View>,
}

impl Watch {
    /// Has not looked yet.
    pub fn new(observer: Observer) -> Self {
        Self { observer, console: Console::default(), view: None }
    }

    /// Keeps that much: see [`Limits`].
    pub fn limits(self, limits: Limits) -> Self {
        Self { console: Console::new(limits), view: None, ..self }
    }

    /// The panel's name.
    pub fn name(&self) -> &str {
        self.observer.name()
    }

    /// Looks at the panel, without making its frame thread wait. Returns whether anything happened since the look before. Frames that
    /// apply nothing are no news: where they run with a view's draws, the two would keep each other awake forever.
    pub fn look(&mut self) -> bool {
        let before = self.view.take();
        let now = self.view.insert(self.console.refresh(&self.observer));
        before.is_none_or(|before| is_news(&before, now))
    }

    /// What was read last, unless it has not looked yet.
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    /// What was read over time.
    pub fn history(&self) -> &History {
        self.console.history()
    }

    /// Whether another look would show a change, be it news or not. Takes no lock.
    pub fn has_changed(&self) -> bool {
        self.view.is_none() || self.observer.has_changed(self.console.cursor())
    }

    /// Ready if [`has_changed`](Self::has_changed); else the task is woken once it is.
    pub fn poll_changed(&self, cx: &Context<'_>) -> Poll<()> {
        if self.view.is_none() {
            Poll::Ready(())
        } else {
            self.observer.poll_changed(cx, self.console.cursor())
        }
    }
}

/// Whether the second shows anything that happened since the first.
fn is_news(before: &View, now: &View) -> bool {
    let happened = |view: &View| {
        let newest = view.ends.first().map(|end| end.number);
        (view.state, view.frames.applied, view.queue.accepted, view.queue.refused, view.incidents, newest)
    };
    let states = |view: &View| -> Vec<_> {
        view.workers.iter().map(|worker| (worker.instance, worker.state, worker.generation)).collect()
    };
    happened(before) != happened(now) || states(before) != states(now)
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("panel", &self.name()).finish_non_exhaustive()
    }
}
