//! Buses and subscriptions of panels and spawners.

use super::ControlPanel;
use crate::{
    bus::{BusStatus, SignalBus, Subscription},
    intent::Intent,
};

both! {
/// # Signals
impl {
    /// Returns the bus of signals of type `S`, which publishes as `source`: for the frame loop, hosts and callbacks. Each call
    /// creates an origin. Call it once and keep the bus.
    ///
    /// Publishing in a frame never waits: see [`SignalBus::publish`].
    pub fn bus<S: Send + Sync + 'static>(&self, source: I::Source) -> SignalBus<S, I::Source> {
        let shared = &self.shared;
        shared.buses.publisher(source, shared.queue.origin(), None)
    }

    /// Subscribes to the signals of type `S` published from now on, for the frame loop and its views, or for a thread of the
    /// program.
    ///
    /// A view calls [`Subscription::drain`] each frame; a signal wakes a sleeping loop:
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource, bus::Received};
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
    ///         Received::Lagged(missed) => {
    ///             title = format!("{missed} mods and more are there")
    ///         }
    ///     }
    /// }
    /// # assert_eq!(title, "reader is there");
    /// ```
    pub fn subscribe<S: Send + Sync + 'static>(&self) -> Subscription<S, I::Source> {
        self.shared.buses.subscribe(None)
    }

    /// Returns the status of every bus used so far, in the order of first use: for dashboards. Allocates; a
    /// [status](Self::status) holds their totals without allocating.
    pub fn buses(&self) -> Vec<BusStatus> {
        self.shared.buses.status()
    }
}
}
