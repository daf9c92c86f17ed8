//! Which operation made two states differ, and where.

use std::fmt;

use super::{
    Refolded, Stamp,
    refolded::{Step, Texts},
};
use crate::util::difference::{Difference, difference_of_outlines};

/// After which operation the states of two replicas differ, and where in the state: what is behind a [`Desync`](super::ReplicaNotice::Desync). Feature `testing` or `journal`.
///
/// Its `Display` is one line.
///
/// ```
/// use control_panel::{
///     Peer, Replica, Stamp, State,
///     replica::{DesyncReport, Refolded},
/// };
///
/// /// How many read each page. Only the newer program knows that fewer than none
/// /// is none.
/// #[derive(Clone, Debug, Default)]
/// struct Readers<const NEWER: bool>(Vec<i64>);
///
/// impl<const NEWER: bool> State for Readers<NEWER> {
///     type Op = (usize, i64);
///
///     fn apply(&mut self, (page, more): &(usize, i64), _: &Stamp) {
///         self.0.resize(self.0.len().max(page + 1), 0);
///         self.0[*page] += more;
///         if NEWER {
///             self.0[*page] = self.0[*page].max(0);
///         }
///     }
/// }
///
/// fn side<const NEWER: bool>() -> Refolded {
///     let me = Peer([1; 32]);
///     let mut replica = Replica::new(me, [me], Readers::<NEWER>::default());
///     for op in [(0, 3), (1, 2), (1, -4), (0, 1)] {
///         replica.commit(op);
///         let _ = replica.outbox(); // what is sent can become stable
///         let _ = replica.settle();
///     }
///     // The window of the notice. Of two machines, one sends it to the other.
///     let (agreed, at) = (0, replica.watermark());
///     replica.refolded(agreed, at)
/// }
///
/// let report = DesyncReport::between(&side::<false>(), &side::<true>()).unwrap();
/// let (stamp, op) = report.operation.as_ref().unwrap();
/// assert_eq!((stamp.lamport, &op[..]), (3, "(1, -4)"));
/// assert_eq!(report.difference.as_ref().unwrap().path, "[1]");
/// assert_eq!(
///     report.to_string(),
///     "the states differ from 3@0101010101010101.0#2 (1, -4) on: [1]: -2 != 0"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesyncReport {
    /// The first operation after which they differ, and its `Debug` output, cut after 160 characters. `None` if they differ before the first that both sides show: what a cut has
    /// let go on one side, or the state that the group began with.
    pub operation: Option<(Stamp, String)>,
    /// Where in the state, and what is there on either side. `None` if only one side applied that operation, or both as another.
    pub difference: Option<Difference>,
}

impl DesyncReport {
    /// Compares what two replicas make of one window. `None` if they make the same of it, as far as both show it: the window is another, or the states differ in what their
    /// `Debug` output does not say.
    ///
    /// Costs a pass over the texts of the states: of each operation the whole text.
    pub fn between(here: &Refolded, there: &Refolded) -> Option<Self> {
        let (mut here, mut there) = (Texts::of(here), Texts::of(there));
        let first = here.peek()?.stamp.max(there.peek()?.stamp);
        for side in [&mut here, &mut there] {
            while side.peek().is_some_and(|step| step.stamp < first) {
                side.next();
            }
        }
        let differ = |here: &Texts<'_>, there: &Texts<'_>, operation| {
            let found = here.text != there.text;
            found.then(|| Self { operation, difference: difference_of_outlines(&here.text, &there.text) })
        };
        if let Some(found) = differ(&here, &there, None) {
            return Some(found);
        }
        let name = |step: &Step| Some((step.stamp, step.op.clone()));
        while let (Some(one), Some(two)) = (here.peek(), there.peek()) {
            if (one.stamp, &one.op) != (two.stamp, &two.op) {
                let operation = name(if one.stamp <= two.stamp { one } else { two });
                return Some(Self { operation, difference: None });
            }
            here.next();
            there.next();
            if let Some(found) = differ(&here, &there, name(one)) {
                return Some(found);
            }
        }
        None
    }
}

impl fmt::Display for DesyncReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.operation, &self.difference) {
            (Some((stamp, op)), Some(difference)) => {
                write!(f, "the states differ from {stamp} {op} on: {difference}")
            }
            (Some((stamp, op)), None) => {
                write!(
                    f,
                    "{stamp} {op} is applied on one side, and not on the other, or there as another operation"
                )
            }
            (None, Some(difference)) => {
                write!(f, "the states differ before the first operation that both sides show: {difference}")
            }
            (None, None) => f.write_str("the states differ before the first operation that both sides show"),
        }
    }
}
