//! Capabilities granted to mods: none, unless granted here. Pure.

use std::collections::BTreeSet;

/// The capabilities that a host grants.
#[derive(Debug, Default)]
pub(super) struct Grants {
    all: BTreeSet<String>,
    some: BTreeSet<(String, String)>,
}

impl Grants {
    pub(super) fn grant_all(&mut self, capability: String) {
        self.all.insert(capability);
    }

    pub(super) fn grant(&mut self, mod_id: String, capability: String) {
        self.some.insert((mod_id, capability));
    }

    pub(super) fn has(&self, mod_id: &str, capability: &str) -> bool {
        self.all.contains(capability) || self.some.contains(&(mod_id.to_owned(), capability.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_granted_is_denied() {
        let mut grants = Grants::default();
        assert!(!grants.has("a", "intent"));
        grants.grant_all("intent".into());
        grants.grant("a".into(), "pages".into());
        assert!(grants.has("a", "intent") && grants.has("b", "intent"));
        assert!(grants.has("a", "pages") && !grants.has("b", "pages"));
        assert!(!grants.has("a", "page") && !grants.has("a", "policy:x"));
    }
}
