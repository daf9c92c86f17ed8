//! How panels and spawners come by a bus, and by subscriptions to it.

use super::{ControlPanel, Spawner};
use crate::{
    bus::{BusStatus, SignalBus, Subscription},
    intent::Intent,
};

impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// The bus of signals of type `S`, to publish on it as `source`: for the frame loop, hosts and callbacks. Each call has
    /// an origin of its own. Take it once and keep it.
    ///
    /// Publishing in a frame never waits: see [`SignalBus::publish`].
    pub fn bus<S: Send + Sync + 'static>(&self, source: I::Source) -> SignalBus<S, I::Source> {
        let shared = self.shared();
        shared.buses.publisher(source, shared.queue.origin(), None)
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
        self.shared().buses.subscribe(None)
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
        shared.buses.publisher(source, shared.queue.origin(), None)
    }

    /// As [`ControlPanel::subscribe`].
    pub fn subscribe<S: Send + Sync + 'static>(&self) -> Subscription<S, I::Source> {
        self.shared().buses.subscribe(None)
    }

    /// As [`ControlPanel::buses`].
    pub fn buses(&self) -> Vec<BusStatus> {
        self.shared().buses.status()
    }
}
