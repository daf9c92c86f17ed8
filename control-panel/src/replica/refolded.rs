//! What operations made of a state, as text: to be compared with what they made of another replica's.

use std::fmt::Debug;

use super::{Replica, Stamp, State};
use crate::util::difference::outline::{brief, outline};

/// How much text is kept of a window's states and operations.
const KEPT: usize = 16 << 20;

/// The operations of a window, and the states between them, as text: what [`DesyncReport::between`](super::DesyncReport::between) compares with another replica's.
/// Made by [`Replica::refolded`], where a [`Desync`](super::ReplicaNotice::Desync) is reported. Feature `testing` or `journal`.
///
/// It is for the other side of a desync: with feature `codec` it has serde's traits. It holds the `Debug` output of the state, so it is for those that may see that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub struct Refolded {
    before: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Step {
    pub(super) stamp: Stamp,
    pub(super) op: String,
    change: Change,
}

/// From one text to the next: what is between how both begin and how both end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
struct Change {
    begin: usize,
    between: String,
    end: usize,
}

impl Change {
    fn of(old: &str, new: &str) -> Self {
        let same =
            |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(one, two)| one == two).count();
        let mut begin = same(&mut old.bytes().zip(new.bytes()));
        while !old.is_char_boundary(begin) || !new.is_char_boundary(begin) {
            begin -= 1;
        }
        let (old_rest, new_rest) = (&old[begin..], &new[begin..]);
        let mut end = same(&mut old_rest.bytes().rev().zip(new_rest.bytes().rev()));
        while !old_rest.is_char_boundary(old_rest.len() - end)
            || !new_rest.is_char_boundary(new_rest.len() - end)
        {
            end -= 1;
        }
        Self { begin, between: new_rest[..new_rest.len() - end].to_owned(), end }
    }

    /// Of bytes that anybody wrote it may be none of this text: then what it names is empty.
    fn apply(&self, text: &mut String) {
        let from = text.len().saturating_sub(self.end);
        let [begin, end] = [text.get(..self.begin), text.get(from..)].map(Option::unwrap_or_default);
        *text = [begin, &self.between, end].concat();
    }
}

/// The states of a [`Refolded`], one after another.
pub(super) struct Texts<'a> {
    /// The state as of now.
    pub(super) text: String,
    steps: std::slice::Iter<'a, Step>,
}

impl<'a> Texts<'a> {
    pub(super) fn of(refolded: &'a Refolded) -> Self {
        Self { text: refolded.before.clone(), steps: refolded.steps.iter() }
    }

    /// The next operation, not yet applied.
    pub(super) fn peek(&self) -> Option<&'a Step> {
        self.steps.as_slice().first()
    }

    /// Applies it.
    pub(super) fn next(&mut self) {
        if let Some(step) = self.steps.next() {
            step.change.apply(&mut self.text);
        }
    }
}

impl<S> Replica<S>
where
    S: State<Op: Debug> + Debug,
{
    /// What [`refold`](Self::refold) shows of a window, as text that can be compared with another replica's. Feature `testing` or `journal`.
    ///
    /// It ends where its text would be longer than 16 MiB: a window of fewer operations shows more.
    ///
    /// Cost: that of `refold`, and the `Debug` output of the state for each operation.
    ///
    /// # Panics
    /// If `apply` does, or `Debug`.
    pub fn refolded(&self, after: u64, upto: u64) -> Refolded {
        let mut refolded = Refolded::default();
        let (mut last, mut size) = (String::new(), 0);
        self.refold_from(after, upto, |operation, state| {
            if size > KEPT {
                return;
            }
            let text = outline(state);
            if let Some((stamp, op)) = operation {
                let (op, change) = (brief(op), Change::of(&last, &text));
                size += op.len() + change.between.len() + size_of::<Step>();
                refolded.steps.push(Step { stamp, op, change });
            } else {
                size = text.len();
                refolded.before.clone_from(&text);
            }
            last = text;
        });
        refolded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_makes_the_one_text_the_other() {
        let texts = [
            "",
            "a",
            "aa",
            "aba",
            "über",
            "uber",
            "üb",
            "ü",
            "é",
            "\u{e8}\u{e9}",
            "\u{e9}\u{e8}",
            "{\n  1,\n}",
        ];
        for old in texts {
            for new in texts {
                let mut text = old.to_owned();
                Change::of(old, new).apply(&mut text);
                assert_eq!(text, new, "from {old}");
            }
        }
        // Of bytes that are no change of this text.
        let mut text = "é".to_owned();
        Change { begin: 1, between: "x".to_owned(), end: usize::MAX }.apply(&mut text);
        assert_eq!(text, "xé");
    }
}
