//! The envelope of a snapshot: rows 7 and 26 of the threats.

use super::super::{EncodeError, Limits, Refused, SnapshotBytes};

fn sealed() -> Vec<u8> {
    SnapshotBytes::seal(3, |out| {
        out.extend_from_slice(b"the state");
        Ok(())
    })
    .unwrap()
}

#[test]
fn it_comes_back() {
    let bytes = sealed();
    let open = SnapshotBytes::open(&bytes, &Limits::default()).unwrap();
    assert_eq!((open.schema, open.content), (3, &b"the state"[..]));
    assert_eq!(bytes, sealed());
}

#[test]
fn a_state_without_bytes_is_an_error() {
    let error = EncodeError::Value("a list without a length".into());
    assert_eq!(SnapshotBytes::seal(0, |_| Err(error.clone())), Err(error));
}

#[test]
fn damage_is_found_before_anything_is_read() {
    let bytes = sealed();
    for end in 0..bytes.len() {
        assert!(SnapshotBytes::open(&bytes[..end], &Limits::default()).is_err());
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(SnapshotBytes::open(&flipped, &Limits::default()).is_err(), "bit {bit}");
    }
    let longer = [&bytes[..], &[0]].concat();
    let error = SnapshotBytes::open(&longer, &Limits::default()).unwrap_err();
    assert_eq!(error.refused(), &Refused::Trailing { left: 1 });
    // The length is refused from the prefix: ten bytes are enough.
    let error = SnapshotBytes::open(&bytes[..4], &Limits::default().with_bytes(8)).unwrap_err();
    assert!(matches!(error.refused(), Refused::Limit { found: 9, limit: 8, .. }));
}
