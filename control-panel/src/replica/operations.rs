//! What a run holds.

use std::ops::Deref;

use super::{run::Operation, short::Few};

/// A run's operations, and whether there are others than the state's among them: most runs have none, so that most questions are answered without a look.
#[derive(Clone)]
pub(crate) struct Operations<Op> {
    list: Few<Operation<Op>>,
    plain: bool,
}

impl<Op> Operations<Op> {
    /// Whether all are the state's, and read.
    #[inline]
    pub(crate) fn are_plain(&self) -> bool {
        self.plain
    }

    /// The one operation, if it is one of the state's and read.
    #[inline]
    pub(crate) fn is_one_plain(&self) -> bool {
        self.plain && matches!(self.list, Few::One(_))
    }
}

impl<Op> From<Few<Operation<Op>>> for Operations<Op> {
    #[inline]
    fn from(list: Few<Operation<Op>>) -> Self {
        let plain = list.iter().all(|operation| matches!(operation, Operation::Apply(_)));
        Self { list, plain }
    }
}

impl<Op> From<Vec<Operation<Op>>> for Operations<Op> {
    fn from(list: Vec<Operation<Op>>) -> Self {
        Few::from(list).into()
    }
}

impl<Op> Deref for Operations<Op> {
    type Target = [Operation<Op>];

    #[inline]
    fn deref(&self) -> &[Operation<Op>] {
        &self.list
    }
}
