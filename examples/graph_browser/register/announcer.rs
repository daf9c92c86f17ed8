//! The host that announces mods which came or went. Level-triggered: it compares the state with what it announced last, so
//! that a mod which was exchanged within one frame is one change.

use std::collections::BTreeMap;

use control_panel::{Reconcile, SignalBus};

use super::capability::{Capability, CapabilityChange, CapabilityKind};
use crate::app::GraphBrowserApp;

pub(super) struct Announcer {
    bus: SignalBus<CapabilityChange>,
    /// Mods and their versions.
    announced: BTreeMap<String, String>,
    /// How often mods had changed by then: while it is the same, so are they.
    version: u64,
}

impl Announcer {
    pub(super) fn new(bus: SignalBus<CapabilityChange>) -> Self {
        Self { bus, announced: BTreeMap::new(), version: 0 }
    }
}

impl Reconcile<GraphBrowserApp> for Announcer {
    fn reconcile(&mut self, app: &GraphBrowserApp) {
        if self.version == app.mod_changes() {
            return;
        }
        self.version = app.mod_changes();
        let running: BTreeMap<_, _> = app.running_mods().collect();
        let of = |name: &String, version: &String| Capability::new(CapabilityKind::Mod, name, version);
        for (name, version) in self.announced.iter().filter(|(name, _)| !running.contains_key(*name)) {
            self.bus.publish(CapabilityChange::Went(of(name, version)));
        }
        for (name, version) in
            running.iter().filter(|(name, version)| self.announced.get(*name) != Some(version))
        {
            self.bus.publish(CapabilityChange::Came(of(name, version)));
        }
        self.announced = running;
    }
}
