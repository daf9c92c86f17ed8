//! What most runs have little of, beside the rest of the run: one of a single operation is one allocation.

use std::{iter, mem, ops::Deref, option, slice, vec};

/// A list that mostly holds one thing, and then allocates nothing.
#[derive(Clone)]
pub(crate) enum Few<T> {
    One(T),
    /// Not one.
    Many(Vec<T>),
}

impl<T> Few<T> {
    /// Takes all of a list, and leaves it its buffer where that is cheap.
    pub(crate) fn take(list: &mut Vec<T>) -> Self {
        match list.pop() {
            Some(one) if list.is_empty() => Self::One(one),
            popped => {
                list.extend(popped);
                Self::Many(mem::take(list))
            }
        }
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(list) => list,
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::One(one) => slice::from_ref(one),
            Self::Many(list) => list,
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    #[inline]
    fn from(mut list: Vec<T>) -> Self {
        Self::take(&mut list)
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(things: I) -> Self {
        let mut things = things.into_iter();
        match (things.next(), things.next()) {
            (Some(one), None) => Self::One(one),
            (first, second) => Self::Many(first.into_iter().chain(second).chain(things).collect()),
        }
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = iter::Chain<option::IntoIter<T>, vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, list) = match self {
            Self::One(one) => (Some(one), Vec::new()),
            Self::Many(list) => (None, list),
        };
        one.into_iter().chain(list)
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
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

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(length, bytes) => &bytes[..usize::from(*length).min(SHORT)],
            Self::Long(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for Bytes {
    #[inline]
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
    fn a_list_is_what_was_given() {
        for count in 0..4 {
            let mut list: Vec<_> = (0..count).collect();
            let few = Few::take(&mut list);
            assert!(list.is_empty());
            assert!(few.iter().copied().eq(0..count));
            assert_eq!(matches!(few, Few::One(_)), count == 1);
            assert!(few.clone().into_vec().into_iter().eq(0..count));
            assert!(few.into_iter().eq(0..count));
            let few: Few<_> = (0..count).collect();
            assert_eq!(matches!(few, Few::One(_)), count == 1);
            assert!(few.into_iter().eq(0..count));
        }
    }
}
