//! Reads a panel, from any thread and without its types.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use tokio::time::Instant;

use super::{Board, Cursor, Exhibit, Snapshot, text};
use crate::{
    ControlPanel, Spawner,
    frame::FrameGauge,
    intent::Intent,
    lifecycle::Notice,
    panel::observed::{Observable, Observation},
    supervisor::events::Events,
    util::{Mutex, Name, panics},
};
#[cfg(feature = "dashboard")]
use crate::{intent::Origin, worker::WorkerHandle};

/// How many exhibits an observer has at most.
const EXHIBITS: usize = 32;

/// Reads a panel: what [`ControlPanel::observer`] returns.
///
/// Cheap to clone, and usable on any thread. It does not keep the panel alive, and outlives it: then it
/// [says so](Self::is_gone).
///
/// The frame thread never waits for an observer. It pays for two readings of the clock a frame, some stores, and the wake of each
/// observer that [waits](Self::changed); a [`snapshot`](Self::snapshot) is paid for by the thread that takes it.
#[derive(Clone)]
pub struct Observer {
    hub: Arc<Hub>,
}

struct Hub {
    name: Name,
    panel: Weak<dyn Observable>,
    gauge: Arc<FrameGauge>,
    events: Events,
    exhibits: Mutex<Vec<Arc<dyn Exhibit>>>,
}

impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// Returns an observer of this panel, for a [console](crate::console) that shows it.
    ///
    /// From the first call on, each frame is measured, and for how long sends wait. Each call returns an observer with [exhibits](Observer::attach) of its own;
    /// clones share theirs.
    pub fn observer(&self) -> Observer {
        Observer::new(self.observation())
    }
}

impl<I: Intent, P: Send + Sync + 'static> Spawner<I, P> {
    /// As [`ControlPanel::observer`].
    pub fn observer(&self) -> Observer {
        Observer::new(self.observation())
    }
}

impl Observer {
    fn new(observation: Observation) -> Self {
        let Observation { name, panel, gauge, events } = observation;
        Self { hub: Arc::new(Hub { name, panel, gauge, events, exhibits: Mutex::default() }) }
    }

    /// Returns the panel's name.
    pub fn name(&self) -> &str {
        &self.hub.name
    }

    /// Whether the panel was dropped.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent};
    /// # #[derive(GraphIntent)] enum Update {}
    /// # let panel = ControlPanel::<Update>::new();
    /// let observer = panel.observer();
    /// assert!(!observer.is_gone());
    /// drop(panel);
    /// assert!(observer.is_gone()); // and it can still be read
    /// ```
    pub fn is_gone(&self) -> bool {
        self.hub.gauge.is_closed()
    }

    /// Shows this beside the panel from now on, in each [`Snapshot`] of this observer and its clones. Returns whether it does: an
    /// observer has 32 exhibits at most.
    pub fn attach(&self, exhibit: impl Exhibit) -> bool {
        let mut exhibits = self.hub.exhibits.lock();
        let fits = exhibits.len() < EXHIBITS;
        if fits {
            exhibits.push(Arc::new(exhibit));
        }
        fits
    }

    /// Reads the panel: its figures now, and the events and frames since the cursor. [`Cursor::default`] is before the first of
    /// them; the snapshot [has](Snapshot::cursor) the next one.
    ///
    /// Copies each worker's row, on this thread. The queue's lock is only tried, as frames try it too; if it is busy, the queue's
    /// figures are those of the last frame.
    pub fn snapshot(&self, since: Cursor) -> Snapshot {
        let Hub { name, panel, gauge, events, .. } = &*self.hub;
        let gone = gauge.is_closed();
        let figures = panel.upgrade().map(|panel| panel.figures());
        let mut log = events.reader_from(since.events + 1);
        let (mut read, mut missed) = (Vec::new(), 0);
        while let Some((notice, time)) = log.try_next_with_time() {
            match (notice, time) {
                (Notice::Event(event), Some(time)) => read.push((event, time)),
                (Notice::Event(_), None) => {}
                // Nothing is missed of what was before the first look.
                (Notice::Lagged(more), _) => missed += if since == Cursor::default() { 0 } else { more },
            }
        }
        let frames = gauge.since(since.frames);
        let last = read.last().map_or(since.events, |(event, _)| event.number);
        Snapshot {
            at: Instant::now(),
            epoch: gauge.epoch,
            panel: name.clone(),
            gone,
            figures,
            in_frame: gauge.in_frame_since(),
            applied: gauge.applied(),
            cursor: Cursor { frames: frames.total, events: last, gone },
            samples: frames.samples,
            events: read,
            missed,
            board: self.board(),
        }
    }

    /// Whether there is something that a snapshot with this cursor has not seen: a frame, an event of a worker, the panel's end.
    /// Takes no lock.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent};
    /// # #[derive(GraphIntent)] enum Update {}
    /// # let mut panel = ControlPanel::<Update>::new();
    /// let observer = panel.observer();
    /// let seen = observer.snapshot(Default::default()).cursor();
    /// assert!(!observer.has_changed(seen)); // a poller reads nothing new
    /// panel.drain().for_each(drop);
    /// # let _ = observer.has_changed(seen);
    /// ```
    pub fn has_changed(&self, seen: Cursor) -> bool {
        let Hub { gauge, events, .. } = &*self.hub;
        gauge.frames() > seen.frames || events.last() > seen.events || gauge.is_closed() != seen.gone
    }

    /// Waits until there is [something new](Self::has_changed) since this cursor.
    ///
    /// What only time changes (how long ago something was heard of) wakes no observer: a view also looks once a second while it shows
    /// something. Under load a change comes with each frame, so a view waits for its own interval before it waits for the next
    /// change; that bounds the wakes that the frame thread pays for, too.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only observes.
    pub async fn changed(&self, seen: Cursor) {
        poll_fn(|cx| self.poll_changed(cx, seen)).await;
    }

    /// [`changed`](Self::changed) in one step, for a loop with a waker of its own, such as a window's that requests a repaint. The waker
    /// is woken once, perhaps on the frame thread, and must not block.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent};
    /// # #[derive(GraphIntent)] enum Update {}
    /// # let panel = ControlPanel::<Update>::new();
    /// # use std::task::{Context, Waker};
    /// let observer = panel.observer();
    /// let seen = observer.snapshot(Default::default()).cursor();
    /// // In a loop of one's own: its waker asks for a repaint.
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(observer.poll_changed(&mut context, seen).is_pending());
    /// ```
    pub fn poll_changed(&self, cx: &Context<'_>, seen: Cursor) -> Poll<()> {
        self.hub.gauge.poll_changed(cx, || self.has_changed(seen))
    }

    /// The living worker of this origin.
    #[cfg(feature = "dashboard")]
    pub(crate) fn worker(&self, instance: u64) -> Option<WorkerHandle> {
        self.hub.panel.upgrade()?.worker(Origin(instance))
    }

    /// Wakes a sleeping frame loop.
    #[cfg(feature = "dashboard")]
    pub(crate) fn wake_loop(&self) {
        if let Some(panel) = self.hub.panel.upgrade() {
            panel.wake_loop();
        }
    }

    fn board(&self) -> Board {
        let mut exhibits = self.hub.panel.upgrade().map(|panel| panel.exhibits()).unwrap_or_default();
        exhibits.extend(self.hub.exhibits.lock().iter().cloned());
        let mut board = Board::default();
        for exhibit in exhibits {
            let mut shown = board.clone();
            match panics::catch(|| {
                exhibit.show(&mut shown);
                shown
            }) {
                Ok(shown) => board = shown,
                Err(panic) => board.policy("an exhibit panicked", text::line(format_args!("{panic}"))),
            }
        }
        board
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("panel", &self.hub.name)
            .field("is_gone", &self.is_gone())
            .finish_non_exhaustive()
    }
}
