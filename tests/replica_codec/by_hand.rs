//! A delta as `replica/codec/README.md` describes it, written without the library.

use control_panel::{Author, Peer, Stamp};

use super::read;

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

/// One run, the first of an author, of operations with these bytes.
pub(crate) fn first_run(schema: u64, operations: &[&[u8]]) -> Vec<u8> {
    let (single, same) = (operations.len() == 1, schema == 0);
    let mut bytes = vec![3, 1, u8::from(single) << 5 | u8::from(same) << 1];
    bytes.extend([7; 32]);
    bytes.push(3);
    bytes.extend([0; 32]);
    bytes.push(0);
    if !same {
        bytes.extend(varint(schema));
        bytes.push(0);
    }
    if !single {
        bytes.extend(varint(operations.len() as u64));
    }
    for operation in operations {
        bytes.extend(varint(2 * operation.len() as u64));
        bytes.extend(*operation);
    }
    bytes
}

#[test]
fn what_is_written_by_hand_is_read() {
    let mut bytes = first_run(0, &[b"\x05first", b"\x06second"]);
    // Two runs: the second continues the first, and acknowledges.
    bytes[1] = 2;
    bytes.extend([0b10_0011, 1]);
    let delta = read(&bytes).unwrap();
    let author = Author { peer: Peer([7; 32]), incarnation: 3 };
    let stamp = |number| Stamp { lamport: number + 1, author, seq: number };
    let operations: Vec<_> = delta.operations().collect();
    assert_eq!(operations, [(stamp(0), &"first".to_owned()), (stamp(1), &"second".to_owned())]);
    assert_eq!((delta.len(), delta.authors().count()), (3, 2));
    assert_eq!(delta.encode().unwrap(), bytes);
}
