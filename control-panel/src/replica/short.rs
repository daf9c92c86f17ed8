//! What most runs have little of, beside the rest of the run: one of a single operation is one allocation.

use std::{mem, ops::Deref};

use super::run::Operation;

/// A run's operations.
#[derive(Clone)]
pub(crate) enum Operations<Op> {
    One(Operation<Op>),
    Many(Vec<Operation<Op>>),
}

impl<Op> Operations<Op> {
    /// Takes all of a list, and leaves it its buffer where that is cheap.
    pub(crate) fn take(operations: &mut Vec<Operation<Op>>) -> Self {
        match operations.pop() {
            Some(operation) if operations.is_empty() => Self::One(operation),
            last => {
                operations.extend(last);
                Self::Many(mem::take(operations))
            }
        }
    }
}

impl<Op> Deref for Operations<Op> {
    type Target = [Operation<Op>];

    fn deref(&self) -> &Self::Target {
        match self {
            Self::One(operation) => std::slice::from_ref(operation),
            Self::Many(operations) => operations,
        }
    }
}

impl<Op> From<Vec<Operation<Op>>> for Operations<Op> {
    fn from(mut operations: Vec<Operation<Op>>) -> Self {
        Self::take(&mut operations)
    }
}

/// How many bytes are kept beside the rest.
const SHORT: usize = 46;

/// A run's bytes.
#[derive(Clone)]
pub(crate) enum Bytes {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

const _: () = assert!(size_of::<Bytes>() == 48);

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(length, bytes) => &bytes[..usize::from(*length).min(SHORT)],
            Self::Long(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        match u8::try_from(bytes.len()) {
            Ok(length) if bytes.len() <= SHORT => {
                let mut short = [0; SHORT];
                short[..bytes.len()].copy_from_slice(bytes);
                Self::Short(length, short)
            }
            _ => Self::Long(bytes.into()),
        }
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Short(0, [0; SHORT])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_that_were_given() {
        let all: Vec<u8> = (0..=255).collect();
        for length in 0..=all.len() {
            assert_eq!(*Bytes::from(&all[..length]), all[..length]);
        }
        assert!(Bytes::default().is_empty());
    }

    #[test]
    fn operations_are_those_that_were_given() {
        for count in 0..4 {
            let mut list: Vec<_> = (0..count).map(Operation::Apply).collect();
            let operations = Operations::take(&mut list);
            assert!(list.is_empty());
            let found = operations.iter().map(|operation| match operation {
                Operation::Apply(op) => *op,
                _ => unreachable!(),
            });
            assert!(found.eq(0..count));
        }
    }
}
