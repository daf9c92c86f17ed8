//! The order in which running mods are stopped: a reverse topological sort. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::workers::mods::manifest::ModManifest;

/// A mod to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving<'a> {
    /// Identifies it.
    pub(super) slot: &'a str,
    pub(super) manifest: &'a ModManifest,
    /// Increases with each start.
    pub(super) since: u64,
}

/// Returns the slots in stopping order: each before what it requires, and of those that no other requires, the one started
/// last. Not simply the latest first: a reloaded mod is younger than those that require it. Costs n log n of the names that
/// they provide and require.
pub(super) fn stopping_order<'a>(leaving: impl IntoIterator<Item = Leaving<'a>>) -> Vec<&'a str> {
    let mut left: BTreeMap<&str, Leaving<'a>> = leaving.into_iter().map(|it| (it.slot, it)).collect();
    let mut providers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for it in left.values() {
        for name in provided(it) {
            providers.entry(name).or_default().push(it.slot);
        }
    }
    // How many others require each, counted once per name.
    let required = |it: &Leaving<'a>| -> Vec<&'a str> {
        let names: BTreeSet<&str> = it.manifest.requires().collect();
        let slots = names.into_iter().filter_map(|name| providers.get(name)).flatten().copied();
        slots.filter(|slot| *slot != it.slot).collect()
    };
    let mut required_by: BTreeMap<&str, usize> = BTreeMap::new();
    for it in left.values() {
        for slot in required(it) {
            *required_by.entry(slot).or_default() += 1;
        }
    }
    let is_free =
        |required_by: &BTreeMap<&str, usize>, slot: &str| required_by.get(slot).is_none_or(|by| *by == 0);
    let mut free: BTreeSet<(u64, &str)> =
        left.values().filter(|it| is_free(&required_by, it.slot)).map(|it| (it.since, it.slot)).collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        // Running mods form no cycles; if they did, the one started last would come first.
        let latest = || left.values().map(|it| (it.since, it.slot)).max();
        let Some((_, slot)) = free.pop_last().or_else(latest) else { break };
        let Some(it) = left.remove(slot) else { continue };
        order.push(it.slot);
        for slot in required(&it) {
            let Some(by) = required_by.get_mut(slot) else { continue };
            *by = by.saturating_sub(1);
            if let Some(other) = left.get(slot).filter(|_| *by == 0) {
                free.insert((other.since, other.slot));
            }
        }
    }
    order
}

/// Its id and its names: a mod may list its own id in what it provides.
fn provided<'a>(it: &Leaving<'a>) -> BTreeSet<&'a str> {
    std::iter::once(it.manifest.id()).chain(it.manifest.provides()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::workers::mods::ModLimits;

    /// The naive way: of the remaining ones, the latest that no other requires.
    fn plainly(mut left: Vec<Leaving<'_>>) -> Vec<&str> {
        let requires = |other: &Leaving<'_>, it: &Leaving<'_>| {
            other.slot != it.slot && other.manifest.requires().any(|name| provided(it).contains(name))
        };
        let mut order = Vec::new();
        while let Some(first) = left
            .iter()
            .max_by_key(|it| (!left.iter().any(|other| requires(other, it)), it.since))
            .map(|it| it.slot)
        {
            left.retain(|it| it.slot != first);
            order.push(first);
        }
        order
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_what_the_plainest_way_gives(
            mods in prop::collection::vec((prop::collection::btree_set(0_usize..12, 0..4), 0_usize..12), 0..12),
            shuffled in any::<u64>(),
        ) {
            let manifests: Vec<ModManifest> = mods
                .iter()
                .enumerate()
                .map(|(index, (requires, provides))| {
                    let requires: Vec<_> = requires.iter().map(|of| format!("'n{of}', 'm{of}'")).collect();
                    let text = format!(
                        "id = 'm{index}'\nversion = '1.0.0'\nentry = 'x.wasm'\nprovides = ['n{provides}']\nrequires = [{}]",
                        requires.join(", ")
                    );
                    ModManifest::parse(&text, &ModLimits::default()).expect("valid")
                })
                .collect();
            let leaving: Vec<Leaving<'_>> = manifests
                .iter()
                .enumerate()
                .map(|(index, manifest)| {
                    // An arbitrary starting order.
                    let since = (index as u64).wrapping_mul(shuffled | 1) ^ shuffled;
                    Leaving { slot: manifest.id(), manifest, since }
                })
                .collect();
            prop_assert_eq!(stopping_order(leaving.clone()), plainly(leaving));
        }
    }
}
