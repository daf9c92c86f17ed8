//! A map from origins to living workers, in the order of the origins: a sorted vector with gaps, in which a position is
//! guessed from the key.
//!
//! Origins only grow, so an entry is never further from the first one than the difference of their origins, and most
//! are exactly there. A removal leaves a gap, and the vector is compacted once most of it is gaps. So insertion, lookup
//! and removal cost the same few steps with ten entries and with ten thousand.

use crate::intent::Origin;

/// This many gaps are tolerated without compaction.
const GAPS: usize = 16;

#[derive(Debug)]
pub(crate) struct OriginMap<T> {
    line: Vec<(Origin, Option<T>)>,
    living: usize,
}

impl<T> Default for OriginMap<T> {
    fn default() -> Self {
        Self { line: Vec::new(), living: 0 }
    }
}

impl<T> OriginMap<T> {
    pub(crate) fn len(&self) -> usize {
        self.living
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.living == 0
    }

    /// Inserts an entry. An origin is never inserted twice.
    pub(super) fn insert(&mut self, id: Origin, value: T) {
        // Workers that are spawned on several threads at once may arrive slightly out of order.
        let at = match self.line.last() {
            Some(&(last, _)) if last > id => self.line.partition_point(|&(other, _)| other < id),
            _ => self.line.len(),
        };
        debug_assert!(
            self.line[..at].last().is_none_or(|&(before, _)| before < id),
            "{id} is inserted once, in order"
        );
        debug_assert!(self.line.get(at).is_none_or(|&(behind, _)| behind > id), "{id} is inserted once");
        self.line.insert(at, (id, Some(value)));
        self.living += 1;
    }

    pub(super) fn get(&self, id: Origin) -> Option<&T> {
        self.line[self.place(id)?].1.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: Origin) -> Option<&mut T> {
        let at = self.place(id)?;
        self.line[at].1.as_mut()
    }

    pub(super) fn contains(&self, id: Origin) -> bool {
        self.get(id).is_some()
    }

    /// Removes and returns the value, if it was there.
    pub(super) fn remove(&mut self, id: Origin) -> Option<T> {
        let at = self.place(id)?;
        let gone = self.line[at].1.take()?;
        self.close_up();
        Some(gone)
    }

    /// Drops the value, if it was there: in place, as it may be large.
    pub(super) fn discard(&mut self, id: Origin) {
        let Some(at) = self.place(id) else { return };
        let place = &mut self.line[at].1;
        if place.is_some() {
            *place = None;
            self.close_up();
        }
    }

    /// An entry was removed: compacts the vector if that pays off.
    fn close_up(&mut self) {
        self.living -= 1;
        if self.living == 0 {
            // Memory grown for thousands of entries is not kept for the few that may follow.
            self.line = Vec::new();
        } else if self.line.len() - self.living > self.living + GAPS {
            self.line.retain(|(_, value)| value.is_some());
            debug_assert_eq!(self.line.len(), self.living, "it counts its entries");
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Origin, &T)> {
        self.line.iter().filter_map(|(id, value)| Some((*id, value.as_ref()?)))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = Origin> {
        self.iter().map(|(id, _)| id)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.iter().map(|(_, value)| value)
    }

    fn place(&self, id: Origin) -> Option<usize> {
        place(&self.line, id, |&(id, _)| id)
    }
}

/// Returns the position of an entry in a sorted slice.
pub(super) fn place<T>(line: &[T], id: Origin, origin: impl Fn(&T) -> Origin) -> Option<usize> {
    let first = origin(line.first()?);
    let furthest = usize::try_from(id.0.checked_sub(first.0)?).unwrap_or(usize::MAX);
    let furthest = furthest.min(line.len() - 1);
    if origin(&line[furthest]) == id {
        return Some(furthest);
    }
    line[..furthest].binary_search_by_key(&id, origin).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Compares it with `BTreeMap` through all operations that can happen.
    #[test]
    fn it_is_a_map_in_the_order_of_its_keys() {
        let mut random = 7_u64;
        let mut next = move |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let (mut map, mut model, mut newest) = (OriginMap::default(), BTreeMap::new(), 0);
        for step in 0..20_000 {
            let grows = step / 1_000 % 2 == 0;
            newest += 1 + next(3);
            // Sometimes one arrives after those with a greater origin.
            let id = Origin(if step % 7 == 0 { newest.saturating_sub(2) } else { newest });
            if next(10) < if grows { 8 } else { 2 } && !model.contains_key(&id) {
                map.insert(id, step);
                model.insert(id, step);
            } else {
                let gone = Origin(next(newest + 2));
                let gone = model.range(gone..).next().map_or(gone, |(&id, _)| id);
                if step % 3 == 0 {
                    map.discard(gone);
                    model.remove(&gone);
                } else {
                    assert_eq!(map.remove(gone), model.remove(&gone));
                }
                assert!(map.remove(gone).is_none(), "only once");
            }
            let asked = Origin(next(newest + 2));
            assert_eq!(map.get(asked), model.get(&asked));
            assert_eq!(map.get_mut(asked), model.get_mut(&asked));
            assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
            assert!(map.line.len() <= 2 * map.living + GAPS, "the line closes up");
            if step % 100 == 0 {
                assert!(map.keys().eq(model.keys().copied()) && map.values().eq(model.values()));
                assert!(map.iter().eq(model.iter().map(|(&id, value)| (id, value))));
            }
        }
    }
}
