//! A mod's memory, seen from the host: addresses and lengths come from untrusted code. Pure.

use super::request::refusal;

/// Returns this many bytes from an address on, if all are inside. Addresses are unsigned.
pub(super) fn range(bytes: &[u8], at: u32, length: u32) -> Option<&[u8]> {
    let at = usize::try_from(at).ok()?;
    let length = usize::try_from(length).ok()?;
    bytes.get(at..at.checked_add(length)?)
}

/// Addresses and lengths are unsigned, though WebAssembly types do not say so.
pub(super) fn unsigned(number: i32) -> u32 {
    u32::from_ne_bytes(number.to_ne_bytes())
}

/// Writes a value if it fits, and returns its length either way: a mod whose buffer is too small calls again.
pub(super) fn put(bytes: &mut [u8], out: u32, capacity: u32, value: &[u8]) -> i32 {
    let Ok(length) = i32::try_from(value.len()) else { return refusal::LENGTH };
    if value.len() > usize::try_from(capacity).unwrap_or(usize::MAX) {
        return length;
    }
    let Ok(out) = usize::try_from(out) else { return refusal::MEMORY };
    let Some(place) = out.checked_add(value.len()).and_then(|end| bytes.get_mut(out..end)) else {
        return refusal::MEMORY;
    };
    place.copy_from_slice(value);
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_within_or_not_at_all() {
        let bytes = [1, 2, 3, 4];
        assert_eq!(range(&bytes, 1, 2), Some(&[2, 3][..]));
        assert_eq!(range(&bytes, 4, 0), Some(&[][..]));
        for (at, length) in
            [(5, 0), (0, 5), (3, 2), (u32::MAX, 1), (0, u32::MAX), (u32::MAX, u32::MAX), (1 << 31, 1 << 31)]
        {
            assert_eq!(range(&bytes, at, length), None, "{at} {length}");
        }
    }

    #[test]
    fn a_value_is_written_whole_or_not_at_all() {
        let mut bytes = [0; 8];
        assert_eq!(put(&mut bytes, 2, 6, b"abc"), 3);
        assert_eq!(bytes, *b"\0\0abc\0\0\0");
        assert_eq!(put(&mut bytes, 0, 2, b"xyz"), 3, "too small: the length, and nothing written");
        assert_eq!(put(&mut bytes, 6, 3, b"xyz"), refusal::MEMORY);
        assert_eq!(put(&mut bytes, u32::MAX, 3, b"xyz"), refusal::MEMORY);
        assert_eq!(bytes, *b"\0\0abc\0\0\0");
    }
}
