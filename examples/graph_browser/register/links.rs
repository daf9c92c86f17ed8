//! The registry of link handlers: where an address with a scheme leads.

use std::collections::BTreeMap;

use super::capability::{Capability, CapabilityKind};
use crate::link::Link;

/// One handler for each scheme; what has none leads to no page.
#[derive(Debug, Clone)]
pub(crate) struct LinkHandlers(BTreeMap<&'static str, Handler>);

#[derive(Debug, Clone, Copy)]
enum Handler {
    AnotherServer,
    NoPage,
}

impl LinkHandlers {
    /// Those of a browser of local pages.
    pub(crate) fn shipped() -> Self {
        let mut handlers = Self(BTreeMap::new());
        handlers.register("http", Handler::AnotherServer);
        handlers.register("https", Handler::AnotherServer);
        handlers.register("mailto", Handler::NoPage);
        handlers
    }

    fn register(&mut self, scheme: &'static str, handler: Handler) {
        let before = self.0.insert(scheme, handler);
        debug_assert!(before.is_none(), "{scheme} has a handler already");
    }

    /// Where an address with this scheme leads.
    pub(crate) fn lead(&self, scheme: &str) -> Link {
        let handler = self.0.iter().find(|(known, _)| scheme.eq_ignore_ascii_case(known));
        match handler.map(|(_, handler)| handler) {
            Some(Handler::AnotherServer) => Link::External,
            Some(Handler::NoPage) | None => Link::Other,
        }
    }

    pub(super) fn capabilities(&self) -> impl Iterator<Item = Capability> {
        self.0.iter().map(|(scheme, handler)| {
            let about = match handler {
                Handler::AnotherServer => "leads to another server",
                Handler::NoPage => "leads to no page",
            };
            Capability::new(CapabilityKind::LinkHandler, scheme, about)
        })
    }
}
