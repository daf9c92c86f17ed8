//! How panels, spawners and workers come by a bus and by subscriptions to it.

use std::sync::Arc;

use super::{BusStatus, SignalBus, Subscription};
use crate::{
    context::Context,
    intent::Intent,
    panel::{ControlPanel, Spawner},
};

impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// The bus of signals of type `S`, to publish on it as `source`: for the frame loop, hosts and callbacks. Each call has
    /// an origin of its own. Take it once and keep it.
    ///
    /// Publishing in a frame never waits: see [`SignalBus::publish`].
    pub fn bus<S: Send + Sync + 'static>(&self, source: I::Source) -> SignalBus<S, I::Source> {
        let shared = self.shared();
        shared.buses.publisher(source, shared.queue.origin())
    }

    /// Listens to the signals of type `S` that are published from now on, for the frame loop and its views, or a thread of
    /// the program's own.
    ///
    /// A view asks [`Subscription::drain`] in each frame, and a signal wakes the loop if it sleeps:
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource, Received};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// struct ModArrived(String);
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let mut arrivals = panel.subscribe::<ModArrived>();
    /// # panel.bus(IntentSource::ModLoader).publish(ModArrived("reader".into()));
    /// let mut title = String::new();
    /// panel.drain().for_each(drop); // the frame
    /// for received in arrivals.drain() {
    ///     match received {
    ///         Received::Signal(arrived) => title = format!("{} is there", arrived.0),
    ///         Received::Lagged(missed) => title = format!("{missed} mods and more are there"),
    ///     }
    /// }
    /// # assert_eq!(title, "reader is there");
    /// ```
    pub fn subscribe<S: Send + Sync + 'static>(&self) -> Subscription<S, I::Source> {
        self.shared().buses.subscribe()
    }

    /// The buses that were used so far, in the order of their first use: for dashboards. Allocates; a
    /// [status](Self::status) has them all together without.
    pub fn buses(&self) -> Vec<BusStatus> {
        self.shared().buses.status()
    }
}

impl<I: Intent, P: Send + Sync + 'static> Spawner<I, P> {
    /// As [`ControlPanel::bus`].
    pub fn bus<S: Send + Sync + 'static>(&self, source: I::Source) -> SignalBus<S, I::Source> {
        let shared = self.shared();
        shared.buses.publisher(source, shared.queue.origin())
    }

    /// As [`ControlPanel::subscribe`].
    pub fn subscribe<S: Send + Sync + 'static>(&self) -> Subscription<S, I::Source> {
        self.shared().buses.subscribe()
    }

    /// As [`ControlPanel::buses`].
    pub fn buses(&self) -> Vec<BusStatus> {
        self.shared().buses.status()
    }
}

impl<I: Intent, P> Context<I, P> {
    /// The bus of signals of type `S`, to publish on it as this worker, with its source and origin. Take it once and keep
    /// it. It publishes nothing any more once this run has ended.
    ///
    /// The frame of its signals is the last one that had begun.
    pub fn bus<S: Send + Sync + 'static>(&self) -> SignalBus<S, I::Source> {
        let term = Some(Arc::clone(self.term()));
        SignalBus::new(self.buses().of(), self.source(), self.record().origin, term)
    }

    /// Listens to the signals of type `S` that are published from now on, until this worker is asked to stop.
    ///
    /// It is this run's: a worker that is restarted subscribes anew, and does not get what was published in between.
    pub fn subscribe<S: Send + Sync + 'static>(&self) -> Subscription<S, I::Source> {
        Subscription::new(self.buses().of(), Some(Arc::clone(self.term())))
    }
}
