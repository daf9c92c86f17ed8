//! Replicas through the public surface: in two panels, with effects that cannot be taken back.

mod budget;
mod effects;
mod frames;
mod lives;
mod membership;
mod misuse;
mod undo;

use control_panel::{Stamp, State};

/// Letters in the order in which they were applied.
#[derive(Clone, Default, Debug, PartialEq)]
struct Letters(String);

impl State for Letters {
    type Op = char;

    fn apply(&mut self, letter: &char, _: &Stamp) {
        self.0.push(*letter);
    }
}
