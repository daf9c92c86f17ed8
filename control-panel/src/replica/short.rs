//! What most runs have little of, beside the rest of the run: one of a single operation is one allocation.

use std::{
    fmt, iter, mem,
    ops::{Deref, DerefMut},
    option, slice, vec,
};

#[cfg(feature = "codec")]
use std::{ops::Range, sync::Arc};

use super::{Author, Peer, RunHash, run::Head};

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

/// How many heads are kept beside the rest: each makes every run larger.
const FEW: usize = 1;

/// A run's heads: most runs have one or none.
#[derive(Clone)]
pub(crate) enum Heads {
    Few(u8, [Head; FEW]),
    Many(Vec<Head>),
}

const NO_HEAD: Head =
    Head { author: Author { peer: Peer([0; 32]), incarnation: 0 }, seq: 0, hash: RunHash([0; 32]) };

impl Heads {
    #[inline]
    pub(crate) fn new() -> Self {
        Self::Few(0, [NO_HEAD; FEW])
    }

    #[cfg(feature = "codec")]
    #[inline]
    pub(crate) fn one(head: Head) -> Self {
        const { assert!(FEW == 1) };
        Self::Few(1, [head; FEW])
    }

    #[inline]
    pub(crate) fn push(&mut self, head: Head) {
        match self {
            Self::Many(list) => list.push(head),
            Self::Few(count, few) => {
                if let Some(place) = few.get_mut(usize::from(*count)) {
                    *place = head;
                    *count += 1;
                } else {
                    let mut list = Vec::with_capacity(2 * FEW);
                    list.extend_from_slice(few);
                    list.push(head);
                    *self = Self::Many(list);
                }
            }
        }
    }
}

impl Deref for Heads {
    type Target = [Head];

    #[inline]
    fn deref(&self) -> &[Head] {
        match self {
            Self::Few(count, few) => &few[..usize::from(*count).min(FEW)],
            Self::Many(list) => list,
        }
    }
}

impl DerefMut for Heads {
    #[inline]
    fn deref_mut(&mut self) -> &mut [Head] {
        match self {
            Self::Few(count, few) => &mut few[..usize::from(*count).min(FEW)],
            Self::Many(list) => list,
        }
    }
}

impl PartialEq for Heads {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Heads {}

impl fmt::Debug for Heads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl FromIterator<Head> for Heads {
    fn from_iter<I: IntoIterator<Item = Head>>(heads: I) -> Self {
        let mut list = Self::new();
        heads.into_iter().for_each(|head| list.push(head));
        list
    }
}

impl From<Vec<Head>> for Heads {
    fn from(heads: Vec<Head>) -> Self {
        heads.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Heads {
    type Item = &'a Head;
    type IntoIter = slice::Iter<'a, Head>;

    #[inline]
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
    /// A stretch of a message that came.
    #[cfg(feature = "codec")]
    Shared(Arc<Vec<u8>>, Range<usize>),
}

const _: () = assert!(size_of::<Bytes>() == 48);

impl Bytes {
    /// Lets go of the message that they are a stretch of.
    #[cfg_attr(not(feature = "codec"), expect(clippy::unused_self, reason = "there are no messages"))]
    pub(crate) fn detach(&mut self) {
        #[cfg(feature = "codec")]
        if let Self::Shared(buffer, range) = self
            && range.len() < buffer.len()
        {
            *self = buffer[range.clone()].into();
        }
    }

    /// How many bytes are in memory as long as these are.
    pub(crate) fn held(&self) -> usize {
        match self {
            #[cfg(feature = "codec")]
            Self::Shared(buffer, _) => buffer.len(),
            bytes => bytes.len(),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(length, bytes) => &bytes[..usize::from(*length).min(SHORT)],
            Self::Long(bytes) => bytes,
            #[cfg(feature = "codec")]
            Self::Shared(buffer, range) => &buffer[range.clone()],
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

/// As they are, unless they are few.
impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.len() <= SHORT { bytes[..].into() } else { Self::Long(bytes.into()) }
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
            assert_eq!(*Bytes::from(all[..length].to_vec()), all[..length]);
        }
        assert!(Bytes::default().is_empty());
    }

    #[test]
    fn heads_are_those_that_were_given() {
        let all: Vec<_> = (0..5).map(|seq| Head { seq, ..NO_HEAD }).collect();
        for count in 0..=all.len() {
            let mut heads: Heads = all[..count].to_vec().into();
            assert_eq!(*heads, all[..count]);
            assert_eq!(matches!(heads, Heads::Few(..)), count <= FEW);
            let mut pushed = Heads::new();
            heads.iter().for_each(|head| pushed.push(*head));
            assert_eq!(pushed, heads);
            heads.reverse();
            assert!(heads.iter().rev().eq(&all[..count]));
        }
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
