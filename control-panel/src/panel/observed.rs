//! What an observer reads of a panel, whatever the panel's types.

use std::{
    fmt,
    sync::{Arc, Weak, atomic::Ordering},
};

use tokio::time::Instant;

use super::{ControlPanel, shared::Shared};
use crate::{
    exhibit::Exhibit,
    frame::{FrameGauge, reducer::Warning},
    intent::Intent,
    queue::Sources,
    supervisor::{events::Events, observed::Observed},
    telemetry::{Counts, SendCounts},
    util::{Name, panics},
};
#[cfg(feature = "dashboard")]
use crate::{intent::Origin, worker::WorkerHandle};

/// How many sources an observer sees.
const SOURCES: usize = 64;

/// A panel at one moment, but for the times of its frames, which the [gauge](FrameGauge) has.
#[derive(Debug, Clone)]
pub(crate) struct PanelFigures {
    pub(crate) capacity: usize,
    pub(crate) counts: Counts,
    /// What each source has of the queue, in the order of the sources; and how many more there are.
    pub(crate) sources: Vec<SourceFigures>,
    pub(crate) sources_left_out: usize,
    /// When the oldest queued intent was accepted.
    pub(crate) oldest: Option<Instant>,
    pub(crate) frames: u64,
    pub(crate) stopping: bool,
    pub(crate) warning: Option<Warning>,
    pub(crate) supervised: Observed,
}

/// What one source has of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceFigures {
    /// Its `Debug` text.
    pub(crate) source: Name,
    pub(crate) slots: usize,
    pub(crate) sends: SendCounts,
}

/// A panel without its types.
pub(crate) trait Observable: Send + Sync {
    /// Copies the figures. The frame thread does not wait for it.
    fn figures(&self) -> PanelFigures;

    /// What the panel's workers show of themselves.
    fn exhibits(&self) -> Vec<Arc<dyn Exhibit>>;

    /// The living worker of this origin.
    #[cfg(feature = "dashboard")]
    fn worker(&self, origin: Origin) -> Option<WorkerHandle>;

    /// Wakes a sleeping frame loop.
    #[cfg(feature = "dashboard")]
    fn wake_loop(&self);
}

impl<I: Intent, P: Send + Sync + 'static> Observable for Shared<I, P> {
    fn figures(&self) -> PanelFigures {
        let Sources { known, left_out, oldest } = self.queue.sources(SOURCES);
        let now = Instant::now();
        let sources = known.into_iter().map(|(source, slots, figures)| SourceFigures {
            source: in_words(source),
            slots,
            sends: figures.counts(now),
        });
        PanelFigures {
            capacity: self.queue.capacity(),
            counts: self.queue.counts(),
            sources: sources.collect(),
            sources_left_out: left_out,
            oldest,
            frames: self.frames.load(Ordering::Relaxed),
            stopping: self.is_shutting_down(),
            warning: self.warning(),
            supervised: self.supervisor.registry().observe(),
        }
    }

    fn exhibits(&self) -> Vec<Arc<dyn Exhibit>> {
        self.exhibits.all()
    }

    #[cfg(feature = "dashboard")]
    fn worker(&self, origin: Origin) -> Option<WorkerHandle> {
        self.supervisor.registry().find_origin(origin).map(WorkerHandle::new)
    }

    #[cfg(feature = "dashboard")]
    fn wake_loop(&self) {
        self.queue.wake_loop();
    }
}

/// The source's `Debug` text. This is the user's code.
fn in_words<S: fmt::Debug>(source: S) -> Name {
    let words = panics::catch(|| format!("{source:?}"));
    Name::from(words.unwrap_or_else(|_| "a source whose `Debug` panicked".to_owned()))
}

/// What an observer has of a panel: none of it keeps the panel alive.
pub(crate) struct Observation {
    pub(crate) name: Name,
    pub(crate) panel: Weak<dyn Observable>,
    pub(crate) gauge: Arc<FrameGauge>,
    /// Reads the events that are kept, and those to come.
    pub(crate) events: Events,
}

both! {
impl {
    /// From now on its frames and its sends' waits are measured.
    pub(crate) fn observation(&self) -> Observation {
        let shared = &self.shared;
        let gauge = Arc::clone(shared.gauge.get_or_init(|| {
            let gauge = Arc::new(FrameGauge::new());
            let rings = Arc::clone(&gauge);
            shared.supervisor.registry().log.on_write(move || rings.ring());
            shared.queue.observe();
            gauge
        }));
        let panel: Arc<dyn Observable> = Arc::clone(shared) as _;
        Observation {
            name: shared.name.clone(),
            panel: Arc::downgrade(&panel),
            gauge,
            events: shared.events(Some(1)),
        }
    }
}
}
