//! Bytes in and out: varints, and a reader that checks each length against what is left.

use super::{DecodeError, error::Refused};

/// The most bytes of a number.
pub(crate) const VARINT: usize = 10;

/// Seven bits a byte, the lowest first; the top bit says that more follow (LEB128).
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let byte = value.to_le_bytes()[0];
        if value < 0x80 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
        value >>= 7;
    }
}

/// What is left of some bytes, and where in them it begins.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    whole: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(whole: &'a [u8]) -> Self {
        Self { whole, at: 0 }
    }

    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn left(&self) -> usize {
        self.whole.len() - self.at
    }

    /// All that is left.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.whole[self.at..]
    }

    /// Goes on behind so many bytes of the [`rest`](Self::rest).
    #[inline]
    pub(crate) fn skip(&mut self, count: usize) {
        debug_assert!(count <= self.left());
        self.at += count;
    }

    /// From an earlier offset up to here.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.whole[start..self.at]
    }

    #[cold]
    pub(crate) fn refuse<T>(&self, refused: Refused) -> Result<T, DecodeError> {
        Err(DecodeError::new(self.at, refused))
    }

    #[inline]
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        match self.whole[self.at..].get(..count) {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => self.refuse(Refused::Truncated { missing: (count - self.left()) as u64 }),
        }
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.whole[self.at..].first_chunk() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => self.refuse(Refused::Truncated { missing: (N - self.left()) as u64 }),
        }
    }

    /// A varint in its shortest form: there is one way to write a number.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        // Most are of one byte.
        match self.whole.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let (mut value, mut at) = (0_u64, self.at);
        for shift in (0..64).step_by(7) {
            let Some(&byte) = self.whole.get(at) else {
                return self.refuse(Refused::Truncated { missing: 1 });
            };
            at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                if byte == 0 && shift > 0 {
                    return self.refuse(Refused::NotCanonical("a number is longer than it needs"));
                }
                if shift == 63 && byte > 1 {
                    break;
                }
                self.at = at;
                return Ok(value);
            }
        }
        self.refuse(Refused::Malformed("a number is beyond 64 bits"))
    }

    #[inline]
    pub(crate) fn varint32(&mut self) -> Result<u32, DecodeError> {
        let start = self.at;
        u32::try_from(self.varint()?)
            .map_err(|_| DecodeError::new(start, Refused::Malformed("a number is beyond 32 bits")))
    }

    /// A count of things that take at least `least` bytes each: within the limit, and no more than can be left.
    #[inline]
    pub(crate) fn count(
        &mut self,
        what: &'static str,
        limit: usize,
        least: usize,
    ) -> Result<usize, DecodeError> {
        let start = self.at;
        let found = self.varint()?;
        let count = within(start, what, found, limit)?;
        match count.saturating_mul(least).checked_sub(self.left()) {
            None | Some(0) => Ok(count),
            Some(missing) => self.refuse(Refused::Truncated { missing: missing as u64 }),
        }
    }

    /// Nothing may follow.
    #[inline]
    pub(crate) fn end(&self) -> Result<(), DecodeError> {
        match self.left() {
            0 => Ok(()),
            left => self.refuse(Refused::Trailing { left }),
        }
    }
}

/// A count or length that was declared at this offset, if it is within the limit.
#[inline]
pub(crate) fn within(
    offset: usize,
    what: &'static str,
    found: u64,
    limit: usize,
) -> Result<usize, DecodeError> {
    match usize::try_from(found) {
        Ok(count) if count <= limit => Ok(count),
        _ => Err(DecodeError::new(offset, Refused::Limit { what, found, limit: limit as u64 })),
    }
}
