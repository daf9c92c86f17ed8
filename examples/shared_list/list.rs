//! The shared state: a shopping list. Plain Rust that knows nothing of peers, networks or frames.

use std::fmt;

use control_panel::{Stamp, State};
use fastrand::Rng;

/// No more is open than fits on the paper.
pub(crate) const MOST: usize = 12;

/// What can be done to it.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Add(String),
    /// By the operation that added it: a position would mean another item in another replica.
    Done(Stamp),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct List {
    open: Vec<(Stamp, String)>,
    done: usize,
}

impl State for List {
    type Op = Edit;

    fn apply(&mut self, edit: &Edit, stamp: &Stamp) {
        match edit {
            // Total: what does not fit changes nothing. Which of two concurrent items is the one too many, the order decides,
            // on all replicas alike.
            Edit::Add(item) => {
                if self.open.len() < MOST {
                    self.open.push((*stamp, item.clone()));
                }
            }
            // Total: done already by another, or never added.
            Edit::Done(which) => {
                let before = self.open.len();
                self.open.retain(|(added, _)| added != which);
                self.done += before - self.open.len();
            }
        }
    }
}

impl List {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Any of the open items.
    pub(crate) fn pick(&self, rng: &mut Rng) -> Option<Stamp> {
        rng.choice(&self.open).map(|(stamp, _)| *stamp)
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<_> = self.open.iter().map(|(_, item)| item.as_str()).collect();
        let items = if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
        write!(f, "{items} ({} done)", self.done)
    }
}

#[cfg(test)]
mod tests {
    use control_panel::testing;

    use super::*;

    #[test]
    fn the_list_keeps_the_laws_of_a_shared_state() {
        for seed in 0..4 {
            testing::laws(seed, List::default, |rng, list| match rng.below(3) {
                0 if list.len() > 0 => Edit::Done(list.open[rng.index(list.len())].0),
                _ => Edit::Add(format!("item {}", rng.below(9))),
            });
        }
    }
}
