//! Which mods can run, and in which order. Pure, and the same whatever order the mods come in.

use std::collections::{BTreeMap, BTreeSet};

use super::{error::ModError, manifest::ModManifest, text::plain};

/// A mod that could run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    /// Its file or folder: what tells two mods of one id apart.
    pub(super) slot: &'a str,
    pub(super) manifest: &'a ModManifest,
    /// A mod of this id runs from this slot already: it keeps its id and its names against newcomers.
    pub(super) running: bool,
    /// The host wants it off. It is known, but provides nothing.
    pub(super) off: bool,
}

/// What [`plan`] found, by slot.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The slots that can run, each after those that it requires.
    pub(super) order: Vec<String>,
    /// The others, and why. Those that are off are in neither.
    pub(super) failures: BTreeMap<String, ModError>,
}

/// Sorts candidates topologically. A mod that cannot run takes with it those that require it, and no others.
pub(super) fn plan(candidates: &[Candidate<'_>]) -> Plan {
    let mut failures = clashes(candidates);
    let mut left: BTreeMap<&str, &Candidate<'_>> = candidates
        .iter()
        .filter(|candidate| !candidate.off && !failures.contains_key(candidate.slot))
        .map(|candidate| (candidate.slot, candidate))
        .collect();

    let known: BTreeSet<&str> = candidates.iter().flat_map(names).collect();
    // What nobody provides takes its dependents along, theirs too, until nothing changes.
    loop {
        let provided: BTreeSet<&str> = left.values().flat_map(|candidate| names(candidate)).collect();
        let lacking: Vec<_> = left
            .values()
            .filter_map(|candidate| {
                let name = candidate.manifest.requires().find(|name| !provided.contains(name))?;
                Some((candidate.slot, name.to_owned()))
            })
            .collect();
        if lacking.is_empty() {
            break;
        }
        for (slot, name) in lacking {
            left.remove(slot);
            let known = known.contains(name.as_str());
            failures.insert(
                slot.to_owned(),
                if known { ModError::NotRunning { name } } else { ModError::Missing { name } },
            );
        }
    }

    // Kahn's algorithm; among those that are ready, the least id first.
    let mut order = Vec::new();
    let mut provided = BTreeSet::new();
    while let Some(next) = left
        .values()
        .filter(|candidate| candidate.manifest.requires().all(|name| provided.contains(name)))
        .min_by_key(|candidate| candidate.manifest.id())
        .copied()
    {
        left.remove(next.slot);
        provided.extend(names(next));
        order.push(next.slot.to_owned());
    }
    for candidate in left.values() {
        failures.insert(candidate.slot.to_owned(), stuck(candidate, &left));
    }
    Plan { order, failures }
}

/// What a mod provides: its id and its names.
fn names<'a>(candidate: &Candidate<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    std::iter::once(candidate.manifest.id()).chain(candidate.manifest.provides())
}

/// Mods of one id, and mods that provide the same. Whichever runs already stays; else none of them can be
/// preferred, and all of them fail.
fn clashes(candidates: &[Candidate<'_>]) -> BTreeMap<String, ModError> {
    let mut failures = BTreeMap::new();
    let mut by_id: BTreeMap<&str, Vec<&Candidate<'_>>> = BTreeMap::new();
    for candidate in candidates {
        by_id.entry(candidate.manifest.id()).or_default().push(candidate);
    }
    for (id, same) in by_id {
        each_loser(&same, |loser, other| {
            let with = plain(other.slot);
            failures.insert(loser.slot.to_owned(), ModError::DuplicateId { id: id.to_owned(), with });
        });
    }
    let mut by_name: BTreeMap<&str, Vec<&Candidate<'_>>> = BTreeMap::new();
    let rest = candidates.iter().filter(|candidate| !candidate.off && !failures.contains_key(candidate.slot));
    for candidate in rest {
        // A mod may name its own id among what it provides.
        for name in names(candidate).collect::<BTreeSet<_>>() {
            by_name.entry(name).or_default().push(candidate);
        }
    }
    for (name, same) in by_name {
        each_loser(&same, |loser, other| {
            let with = other.manifest.id().to_owned();
            let conflict = ModError::Conflict { name: name.to_owned(), with };
            failures.entry(loser.slot.to_owned()).or_insert(conflict);
        });
    }
    failures
}

fn each_loser<'a>(same: &[&Candidate<'a>], mut lose: impl FnMut(&Candidate<'a>, &Candidate<'a>)) {
    let winner = match same {
        [_] => return,
        _ => same.iter().position(|candidate| candidate.running),
    };
    for (index, loser) in same.iter().enumerate().filter(|(index, _)| Some(*index) != winner) {
        let other = winner.unwrap_or(usize::from(index == 0));
        lose(loser, same[other]);
    }
}

/// Why a mod waits for ever: it is in a circle, or requires one that is.
fn stuck(candidate: &Candidate<'_>, left: &BTreeMap<&str, &Candidate<'_>>) -> ModError {
    let providers = |of: &Candidate<'_>| -> Vec<&Candidate<'_>> {
        let provides =
            |other: &&&Candidate<'_>| names(other).any(|name| of.manifest.requires().any(|r| r == name));
        left.values().filter(provides).copied().collect()
    };
    // The shortest way back to itself, breadth first.
    let mut came_from: BTreeMap<&str, &Candidate<'_>> = BTreeMap::new();
    let mut front = vec![candidate];
    while !front.is_empty() {
        let mut next = Vec::new();
        for at in front {
            for provider in providers(at) {
                if came_from.contains_key(provider.slot) {
                    continue;
                }
                came_from.insert(provider.slot, at);
                if provider.slot == candidate.slot {
                    return ModError::Cycle { through: circle(candidate, &came_from) };
                }
                next.push(left[provider.slot]);
            }
        }
        front = next;
    }
    let provided_by_stuck = |name: &&str| left.values().any(|other| names(other).any(|n| n == *name));
    let name = candidate.manifest.requires().find(provided_by_stuck).unwrap_or_default();
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
