//! What the program can do: a list that mods may lengthen, and the signal that it changed.

use std::{collections::BTreeMap, fmt};

use crate::summary::plain;

/// Where a capability is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CapabilityKind {
    LinkHandler,
    PrefetchHeuristic,
    Mod,
}

impl fmt::Display for CapabilityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinkHandler => "link handler",
            Self::PrefetchHeuristic => "prefetch heuristic",
            Self::Mod => "mod",
        })
    }
}

/// Something that the program can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capability {
    pub(crate) kind: CapabilityKind,
    pub(crate) name: String,
    /// A few words: where a link leads, a version.
    pub(crate) about: String,
}

impl Capability {
    pub(crate) fn new(kind: CapabilityKind, name: &str, about: &str) -> Self {
        Self { kind, name: name.to_owned(), about: about.to_owned() }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Mods name themselves.
        write!(f, "{} {}: {}", self.kind, plain(&self.name), plain(&self.about))
    }
}

/// The signal: announced when a capability came or went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CapabilityChange {
    /// It is new, or another of its name took its place.
    Came(Capability),
    Went(Capability),
}

/// All of them, by kind and name.
#[derive(Debug, Default)]
pub(crate) struct Capabilities(BTreeMap<(CapabilityKind, String), Capability>);

impl Capabilities {
    pub(crate) fn of(all: impl IntoIterator<Item = Capability>) -> Self {
        let mut capabilities = Self::default();
        all.into_iter().for_each(|capability| capabilities.add(capability));
        capabilities
    }

    fn add(&mut self, capability: Capability) {
        self.0.insert((capability.kind, capability.name.clone()), capability);
    }

    /// Takes a change in, and says what it was.
    pub(crate) fn apply(&mut self, change: &CapabilityChange, frame: u64) -> String {
        match change {
            CapabilityChange::Came(capability) => {
                self.add(capability.clone());
                format!("capability came in frame {frame}: {capability}")
            }
            CapabilityChange::Went(capability) => {
                self.0.remove(&(capability.kind, capability.name.clone()));
                format!("capability went in frame {frame}: {capability}")
            }
        }
    }

    /// Those of mods are these.
    pub(crate) fn replace_mods(&mut self, mods: impl Iterator<Item = (String, String)>) {
        self.0.retain(|(kind, _), _| *kind != CapabilityKind::Mod);
        mods.for_each(|(name, version)| self.add(Capability::new(CapabilityKind::Mod, &name, &version)));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let count = format!("{} capabilities:", self.0.len());
        [count].into_iter().chain(self.0.values().map(|capability| format!("  {capability}"))).collect()
    }
}
