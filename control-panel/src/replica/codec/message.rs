//! Bytes that are read, and what holds them.

use std::{ptr, sync::Arc};

use crate::replica::short::Bytes;

/// Up to how many bytes are copied whatever they are a part of.
const COPIED: usize = 1 << 10;

/// How many times its own length a part may hold. So three long runs of a message share it, and hold it once. Where the others are let go, the one that is left holds
/// it all, but for runs that wait for their past: what those hold is bounded by peer ([`Bytes::detach`]).
const HELD: usize = 4;

/// The bytes of a delta: where the reader has them for itself, a run that is most of them keeps them as they are.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    buffer: Option<&'a Arc<Vec<u8>>>,
}

impl<'a> Message<'a> {
    #[cfg_attr(not(any(feature = "p2p", test)), expect(dead_code, reason = "a session has bytes of its own"))]
    pub(super) fn of(buffer: &'a Arc<Vec<u8>>) -> Self {
        Self { bytes: buffer, buffer: Some(buffer) }
    }

    /// A part of it, to be kept: shared where that holds no more than [`HELD`] times what is kept.
    pub(super) fn keep(&self, part: &[u8]) -> Bytes {
        let shares = part.len() > COPIED && part.len().saturating_mul(HELD) >= self.bytes.len();
        let Some(buffer) = self.buffer.filter(|_| shares) else { return part.into() };
        let start = part.as_ptr().addr().wrapping_sub(buffer.as_ptr().addr());
        let range = start..start.wrapping_add(part.len());
        if !buffer.get(range.clone()).is_some_and(|found| ptr::eq(found, part)) {
            debug_assert!(false, "it is no part of the message");
            return part.into();
        }
        Bytes::Shared(Arc::clone(buffer), range)
    }
}

impl<'a> From<&'a [u8]> for Message<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { bytes, buffer: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_most_of_it_is_shared() {
        let buffer = Arc::new((0..=255).cycle().take(8 * COPIED).collect::<Vec<u8>>());
        let shares = |from: usize, upto: usize| {
            let kept = Message::of(&buffer).keep(&buffer[from..upto]);
            assert_eq!(*kept, buffer[from..upto]);
            matches!(kept, Bytes::Shared(..))
        };
        assert!(shares(0, 8 * COPIED) && shares(3, 8 * COPIED - 3) && shares(100, 2 * COPIED + 100));
        assert!(!shares(100, 2 * COPIED) && !shares(0, 10));
        assert!(!matches!(Message::from(&buffer[..]).keep(&buffer[1..]), Bytes::Shared(..)));
        let short = Arc::new(vec![7; COPIED]);
        assert!(!matches!(Message::of(&short).keep(&short), Bytes::Shared(..)));
    }
}
