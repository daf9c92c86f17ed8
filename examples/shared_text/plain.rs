//! The same text as a string, edited by position: what not to do.

use control_panel::{Stamp, State, Undoable};

use crate::Key;

#[derive(Clone, Default)]
pub(crate) struct Plain(String);

impl Plain {
    pub(crate) fn text(&self) -> String {
        self.0.clone()
    }
}

impl State for Plain {
    type Op = Key;

    fn apply(&mut self, key: &Key, stamp: &Stamp) {
        self.apply_undoable(key, stamp);
    }
}

/// Total, deterministic and exactly undone: everything that is asked of a state. The mistake is in what a position means.
impl Undoable for Plain {
    type Undo = String;

    fn apply_undoable(&mut self, Key { at, deleted, inserted }: &Key, _: &Stamp) -> String {
        let before = self.0.clone();
        let from = before.floor(*at);
        let to = before.floor(at.saturating_add(*deleted));
        self.0.replace_range(from..to, inserted);
        before
    }

    fn undo(&mut self, _: &Key, before: String) {
        self.0 = before;
    }
}

/// The last place at or before a position where a character begins.
trait Floor {
    fn floor(&self, at: u32) -> usize;
}

impl Floor for String {
    fn floor(&self, at: u32) -> usize {
        (0..=self.len().min(at as usize)).rev().find(|at| self.is_char_boundary(*at)).unwrap_or(0)
    }
}
