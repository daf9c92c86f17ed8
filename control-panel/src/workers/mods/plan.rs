//! Decides which mods can run, and in which order, by topological sort. Pure, and independent of the order of its input.

use std::collections::{BTreeMap, BTreeSet};

use super::{error::ModError, manifest::ModManifest, text::plain};

/// A mod that could run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    /// Its file or folder, which distinguishes two mods of one id.
    pub(super) slot: &'a str,
    pub(super) manifest: &'a ModManifest,
    /// A mod of this id already runs from this slot: it keeps its id and its names against newcomers.
    pub(super) running: bool,
    /// The host wants it off. It is known, but provides nothing.
    pub(super) off: bool,
}

/// The result of [`plan`], by slot.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The slots that can run, each after those that it requires.
    pub(super) order: Vec<String>,
    /// The others, and why. Slots that are off are in neither.
    pub(super) failures: BTreeMap<String, ModError>,
}

/// Sorts candidates topologically. A mod that cannot run excludes those that require it, and no others.
///
/// Costs n log n of the names that the candidates provide and require, unless they form cycles.
pub(super) fn plan(candidates: &[Candidate<'_>]) -> Plan {
    let mut failures = clashes(candidates);
    let mut left: BTreeMap<&str, &Candidate<'_>> = candidates
        .iter()
        .filter(|candidate| !candidate.off && !failures.contains_key(candidate.slot))
        .map(|candidate| (candidate.slot, candidate))
        .collect();
    // Without clashes, a name has at most one provider.
    let mut providers: BTreeMap<&str, &Candidate<'_>> =
        left.values().flat_map(|candidate| names(candidate).map(|name| (name, *candidate))).collect();
    let mut dependents: BTreeMap<&str, BTreeMap<&str, &Candidate<'_>>> = BTreeMap::new();
    for candidate in left.values() {
        for name in candidate.manifest.requires() {
            dependents.entry(name).or_default().insert(candidate.slot, candidate);
        }
    }

    let known: BTreeSet<&str> = candidates.iter().flat_map(names).collect();
    // Mods that require a name without a provider fail, then those that require them, to a fixed point: one iteration per
    // level.
    let mut in_doubt = left.clone();
    while !in_doubt.is_empty() {
        let lacking: Vec<_> = in_doubt
            .values()
            .filter_map(|candidate| {
                let name = candidate.manifest.requires().find(|name| !providers.contains_key(name))?;
                Some((*candidate, name.to_owned()))
            })
            .collect();
        in_doubt.clear();
        for (candidate, name) in lacking {
            left.remove(candidate.slot);
            for provided in names(candidate) {
                providers.remove(provided);
                in_doubt.extend(dependents.get(provided).into_iter().flatten());
            }
            let known = known.contains(name.as_str());
            failures.insert(
                candidate.slot.to_owned(),
                if known { ModError::NotRunning { name } } else { ModError::Missing { name } },
            );
        }
        in_doubt.retain(|slot, _| left.contains_key(slot));
    }

    // Kahn's algorithm; of those that are ready, the least id comes first.
    let mut waits_for: BTreeMap<&str, usize> = left
        .values()
        .map(|candidate| (candidate.slot, candidate.manifest.requires().collect::<BTreeSet<_>>().len()))
        .collect();
    let by_id = |candidate: &Candidate<'_>| (candidate.manifest.id().to_owned(), candidate.slot.to_owned());
    let mut ready: BTreeMap<_, &Candidate<'_>> = left
        .values()
        .filter(|candidate| waits_for.get(candidate.slot) == Some(&0))
        .map(|candidate| (by_id(candidate), *candidate))
        .collect();
    let mut order = Vec::new();
    while let Some((_, next)) = ready.pop_first() {
        left.remove(next.slot);
        order.push(next.slot.to_owned());
        // It may list its own id in what it provides.
        for name in names(next).collect::<BTreeSet<_>>() {
            for dependent in dependents.get(name).into_iter().flat_map(BTreeMap::values) {
                let Some(missing) = waits_for.get_mut(dependent.slot) else { continue };
                *missing = missing.saturating_sub(1);
                if *missing == 0 {
                    ready.insert(by_id(dependent), dependent);
                }
            }
        }
    }
    for candidate in left.values() {
        failures.insert(candidate.slot.to_owned(), stuck(candidate, &left, &providers));
    }
    Plan { order, failures }
}

/// What a mod provides: its id and its names.
fn names<'a>(candidate: &Candidate<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    std::iter::once(candidate.manifest.id()).chain(candidate.manifest.provides())
}

/// Resolves mods of one id, and mods that provide the same name. One that already runs stays. Otherwise an id takes precedence
/// over a provided name: no mod can keep another from loading by providing its id. Of two ids, or of two provided names,
/// neither takes precedence, and both fail.
fn clashes(candidates: &[Candidate<'_>]) -> BTreeMap<String, ModError> {
    let mut failures = BTreeMap::new();
    let mut by_id: BTreeMap<&str, Vec<&Candidate<'_>>> = BTreeMap::new();
    for candidate in candidates {
        by_id.entry(candidate.manifest.id()).or_default().push(candidate);
    }
    for (id, same) in &by_id {
        each_loser(same, None, |loser, other| {
            let with = plain(other.slot);
            failures.insert(loser.slot.to_owned(), ModError::DuplicateId { id: (*id).to_owned(), with });
        });
    }
    // Names that are ids come first: a mod that loses to one of those takes no name from any other mod.
    for are_ids in [true, false] {
        let mut by_name: BTreeMap<&str, Vec<&Candidate<'_>>> = BTreeMap::new();
        let rest =
            candidates.iter().filter(|candidate| !candidate.off && !failures.contains_key(candidate.slot));
        for candidate in rest {
            // A mod may list its own id in what it provides.
            for name in names(candidate).collect::<BTreeSet<_>>() {
                by_name.entry(name).or_default().push(candidate);
            }
        }
        for (name, same) in by_name {
            let owner = same.iter().position(|candidate| candidate.manifest.id() == name);
            if owner.is_some() != are_ids {
                continue;
            }
            each_loser(&same, owner, |loser, other| {
                let with = other.manifest.id().to_owned();
                let conflict = ModError::Conflict { name: name.to_owned(), with };
                failures.entry(loser.slot.to_owned()).or_insert(conflict);
            });
        }
    }
    failures
}

/// Of several that clash, returns all but the winner: the one that runs, or else this one, if any.
fn each_loser<'a>(
    same: &[&Candidate<'a>],
    preferred: Option<usize>,
    mut lose: impl FnMut(&Candidate<'a>, &Candidate<'a>),
) {
    let winner = match same {
        [_] => return,
        _ => same.iter().position(|candidate| candidate.running).or(preferred),
    };
    for (index, loser) in same.iter().enumerate().filter(|(index, _)| Some(*index) != winner) {
        let other = winner.unwrap_or(usize::from(index == 0));
        lose(loser, same[other]);
    }
}

/// Why a mod waits without end: it is in a cycle, or requires one that is.
fn stuck<'a>(
    candidate: &Candidate<'a>,
    left: &BTreeMap<&str, &Candidate<'a>>,
    providers: &BTreeMap<&str, &'a Candidate<'a>>,
) -> ModError {
    let provider = |name: &str| providers.get(name).filter(|other| left.contains_key(other.slot)).copied();
    let providers_of = |of: &Candidate<'a>| -> BTreeMap<&'a str, &'a Candidate<'a>> {
        of.manifest.requires().filter_map(provider).map(|other| (other.slot, other)).collect()
    };
    // The shortest path back to itself, breadth first.
    let mut came_from: BTreeMap<&str, &Candidate<'_>> = BTreeMap::new();
    let mut front = vec![candidate];
    while !front.is_empty() {
        let mut next = Vec::new();
        for at in front {
            for provider in providers_of(at).into_values() {
                if came_from.contains_key(provider.slot) {
                    continue;
                }
                came_from.insert(provider.slot, at);
                if provider.slot == candidate.slot {
                    return ModError::Cycle { through: circle(candidate, &came_from) };
                }
                next.push(provider);
            }
        }
        front = next;
    }
    let name = candidate.manifest.requires().find(|name| provider(name).is_some()).unwrap_or_default();
    ModError::NotRunning { name: name.to_owned() }
}

fn circle(candidate: &Candidate<'_>, came_from: &BTreeMap<&str, &Candidate<'_>>) -> Vec<String> {
    let mut through = vec![candidate.manifest.id().to_owned()];
    let mut at = came_from[candidate.slot];
    while at.slot != candidate.slot {
        through.push(at.manifest.id().to_owned());
        at = came_from[at.slot];
    }
    through.push(candidate.manifest.id().to_owned());
    through.reverse();
    through
}

#[cfg(test)]
mod tests;
