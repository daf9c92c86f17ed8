//! The registry of prefetch heuristics: which pages the visitor will perhaps open next, the likeliest first.

use std::{cmp::Reverse, collections::BTreeMap};

use control_panel::workers::prefetch::{Heuristic, NearestFirst, Neighbourhood};

use super::capability::{Capability, CapabilityKind};
use crate::intent::NodeKey;

/// What one is called unless another is asked for.
pub(crate) const NEAREST: &str = "nearest";

/// A heuristic, whichever it is.
pub(crate) type AnyHeuristic = Box<dyn FnMut(&Neighbourhood<NodeKey>, usize) -> Vec<NodeKey> + Send>;

pub(crate) struct Heuristics(BTreeMap<&'static str, (&'static str, AnyHeuristic)>);

impl Heuristics {
    pub(crate) fn shipped() -> Self {
        let mut heuristics = Self(BTreeMap::new());
        let nearest = |around: &Neighbourhood<NodeKey>, most| NearestFirst.rank(around, most);
        heuristics.register(NEAREST, "the nearest first, of those the last used", nearest);
        heuristics.register("linked", "first what most pages link to", most_linked);
        heuristics
    }

    fn register(
        &mut self,
        name: &'static str,
        about: &'static str,
        heuristic: impl FnMut(&Neighbourhood<NodeKey>, usize) -> Vec<NodeKey> + Send + 'static,
    ) {
        let before = self.0.insert(name, (about, Box::new(heuristic)));
        debug_assert!(before.is_none(), "{name} is there already");
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// The one of this name, to be used.
    pub(super) fn take(&mut self, name: &str) -> Option<AnyHeuristic> {
        self.0.remove(name).map(|(_, heuristic)| heuristic)
    }

    pub(super) fn capabilities(&self, used: &str) -> impl Iterator<Item = Capability> {
        self.0.iter().map(move |(name, (about, _))| {
            let about = if *name == used { format!("{about} (in use)") } else { (*about).to_owned() };
            Capability::new(CapabilityKind::PrefetchHeuristic, name, &about)
        })
    }
}

/// Ties by distance, and then by the page itself: the same neighbourhood, the same choice.
fn most_linked(around: &Neighbourhood<NodeKey>, most: usize) -> Vec<NodeKey> {
    let mut ranked: Vec<_> = around.candidates().iter().collect();
    ranked.sort_by_key(|candidate| (Reverse(candidate.degree), candidate.distance, candidate.node));
    ranked.into_iter().take(most).map(|candidate| candidate.node).collect()
}

/// For the command line: a name that is registered.
pub(crate) fn known(name: &str) -> Result<String, String> {
    let heuristics = Heuristics::shipped();
    if heuristics.names().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    Err(format!("give one of {}", heuristics.names().collect::<Vec<_>>().join(", ")))
}
