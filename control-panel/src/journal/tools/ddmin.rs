//! Delta debugging: the fewest of many items that still fail. Pure.

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Minimum {
    /// The items that are left, in their order.
    pub(crate) kept: Vec<usize>,
    /// How many tries it took.
    pub(crate) tries: usize,
    /// Whether none of those left can be left out alone. Not where the tries were used up.
    pub(crate) minimal: bool,
}

/// Of the items `0..count`, which fail together, as few as fail still: delta debugging (Zeller and Hildebrandt, "Simplifying and
/// Isolating Failure-Inducing Input", 2002), of which only the complements are tried. `fails` is a function of the items.
///
/// Where `k` of `n` items are needed, it takes some `2 k log n` tries.
pub(crate) fn ddmin(count: usize, most: usize, mut fails: impl FnMut(&[usize]) -> bool) -> Minimum {
    let mut kept: Vec<usize> = (0..count).collect();
    let mut tries = 0;
    let mut size = count.div_ceil(2).max(1);
    loop {
        let before = kept.len();
        // From the end: what comes late depends on what came early.
        let mut end = kept.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let rest: Vec<usize> = kept[..start].iter().chain(&kept[end..]).copied().collect();
            if !rest.is_empty() {
                if tries == most {
                    return Minimum { kept, tries, minimal: false };
                }
                tries += 1;
                if fails(&rest) {
                    kept = rest;
                }
            }
            end = start;
        }
        if size > 1 {
            size = size.div_ceil(2);
        } else if kept.len() == before {
            return Minimum { kept, tries, minimal: true };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn needs(needed: &[usize]) -> impl Fn(&[usize]) -> bool + '_ {
        |items| needed.iter().all(|item| items.contains(item))
    }

    #[test]
    fn ten_thousand_items_become_the_few_that_are_needed() {
        let needed = [3, 17, 4_000, 4_001, 9_999];
        let found = ddmin(10_000, 2_000, needs(&needed));
        assert_eq!(found.kept, needed);
        assert!(found.minimal && found.tries < 500, "{}", found.tries);
    }

    #[test]
    fn a_bound_on_tries_ends_it_with_what_fails_still() {
        let needed: Vec<usize> = (0..100).map(|n| n * 97).collect();
        let found = ddmin(10_000, 50, needs(&needed));
        assert_eq!((found.tries, found.minimal), (50, false));
        assert!(needs(&needed)(&found.kept) && found.kept.len() < 10_000);
    }

    #[test]
    fn one_item_is_the_fewest() {
        assert_eq!(ddmin(1, 10, |_| true), Minimum { kept: vec![0], tries: 0, minimal: true });
        assert_eq!(ddmin(1_000, 100, |items| !items.is_empty()).kept.len(), 1);
    }

    proptest! {
        /// Whatever is needed, nothing of it is lost and nothing else is left.
        #[test]
        fn it_finds_what_is_needed(needed in prop::collection::btree_set(0_usize..500, 1..8)) {
            let needed: Vec<usize> = needed.into_iter().collect();
            let found = ddmin(500, usize::MAX, needs(&needed));
            prop_assert_eq!(found.kept, needed);
            prop_assert!(found.minimal);
        }
    }
}
