//! What is decoded is what was encoded, and there is one way to write it.

use std::sync::Arc;

use super::{
    super::{EncodeError, Limits, Postcard, Refused, hash::run_hash},
    world::{self, Op, apply, author, decode, delta, history, run, same},
};
use crate::{
    replica::{
        Delta, Grant, RunHash, Version,
        run::{Header, Operation},
        short::Bytes,
        version::End,
    },
    testing::{Rng, TestKeys},
};

#[test]
fn a_delta_comes_back_and_has_one_encoding() {
    for seed in 0..200 {
        let runs = history(seed, 1 + seed as usize % 6, 60);
        let bytes = delta(&runs).encode().unwrap();
        assert_eq!(bytes, delta(&history(seed, 1 + seed as usize % 6, 60)).encode().unwrap());
        let back = decode(&bytes).unwrap();
        assert_eq!(back.runs.len(), runs.len());
        assert!(back.runs.iter().zip(&runs).all(|(back, run)| same(back, run)), "seed {seed}");
        let debug = |run: &world::Op| format!("{run:?}");
        let ops = |delta: &Delta<Op>| -> Vec<_> {
            delta.operations().map(|(stamp, op)| (stamp, debug(op))).collect()
        };
        assert_eq!(ops(&back), ops(&delta(&runs)));
        assert_eq!(back.encode().unwrap(), bytes, "seed {seed}");
        Delta::decode_signed(&bytes, &Postcard::<Op>::new(), &Limits::default(), &TestKeys).unwrap();
    }
}

/// What a replica receives in one delta it hands on in another, of other runs and in another order.
#[test]
fn forwarded_runs_keep_their_bytes_and_hashes() {
    for seed in 0..100 {
        let runs = history(seed, 4, 80);
        let received = decode(&delta(&runs).encode().unwrap()).unwrap();
        let mut rng = Rng::new(seed);
        let mut some = received.runs.to_vec();
        some.retain(|_| rng.index(3) == 0);
        some.reverse();
        let some = delta(&some);
        let forwarded = decode(&some.encode().unwrap()).unwrap();
        assert!(forwarded.runs.iter().zip(&some.runs).all(|(a, b)| same(a, b)), "seed {seed}");
    }
}

/// The author's operations are hashed and forwarded as they came, though they could be written shorter.
#[test]
fn operations_are_never_encoded_again() {
    let made = run(author(0), None, &[], vec![apply(7, "seven")]);
    let canonical = delta(&[made]).encode().unwrap();
    let at = canonical.windows(7).position(|bytes| bytes == b"\x07\x05seven").unwrap();
    // 7 as `0x87 0x00`: postcard reads it, and writes `0x07`.
    let mut longer = canonical.clone();
    longer[at - 1] += 2;
    longer.splice(at..=at, [0x87, 0]);
    // The signature at the end is of the other hash; nothing here checks it.
    let (short, long) = (decode(&canonical).unwrap(), decode(&longer).unwrap());
    assert_eq!(short.operations().next(), long.operations().next());
    assert_ne!(short.runs[0].hash, long.runs[0].hash);
    assert_eq!(long.encode().unwrap(), longer);
}

/// The format, byte by byte, as README.md has it. A change here is another format version.
#[test]
fn the_layout_is_the_documented_one() {
    let first = run(author(0), None, &[], vec![apply(7, "seven")]);
    let second = run(author(2), None, &[&first], vec![Operation::Ack { digest: None }]);
    let third = run(author(0), Some(&first), &[], vec![apply(1, ""), Operation::Cut { upto: 300 }]);
    let bytes = delta(&[first.clone(), second.clone(), third.clone()]).encode().unwrap();
    let layout = [
        &[3, 3][..],
        // Author 0, named; same schema, one operation. It is covered by the third's signature.
        &[0b10_0010, 0],
        &[1; 32],
        &[0],
        &[9; 32],
        &[0],
        &[14],
        b"\x07\x05seven",
        // Author 1, named; one operation, signed, heads.
        &[0x80 | 0b111_0110, 0],
        &[3; 32],
        &[0],
        &[9; 32],
        &[0],
        &[1, 0, 0],
        &[1],
        &[8],
        &second.signature,
        // Author 0 again, chained, signed, two operations.
        &[0b01_0011],
        &[2],
        &[4, 1, 0],
        &[11, 0xac, 2],
        &[8],
        &third.signature,
    ];
    let mut layout = layout.concat();
    // The number of an author beyond 0 takes a second byte, the last of its varint; author 0's has none.
    layout.remove(3);
    let second_word = layout.windows(2).position(|bytes| bytes == [0x80 | 0b111_0110, 0]).unwrap();
    layout.splice(second_word..second_word + 2, [1 << 6 | 0b11_0110]);
    assert_eq!(bytes, layout);
}

/// And the hashes are those of the documented message.
#[test]
fn the_hash_is_the_documented_one() {
    let first = run(author(0), None, &[], vec![apply(7, "seven")]);
    let content = [&[0][..], &[0, 1], &[8], &[14], b"\x07\x05seven"].concat();
    assert_eq!(first.hash, documented_short(&[9; 32], &[&[1; 32]], content));

    // With a head, whose peer is not in the content.
    let short = run(author(2), Some(&first), &[&first], vec![apply(7, "")]);
    let Header { seq, lamport, .. } = &short.header;
    let since = u8::try_from(lamport - seq).unwrap();
    let content =
        [&[0b100, u8::try_from(*seq).unwrap(), since][..], &[1], &[0, 0], &[3], &[4, 7, 0]].concat();
    assert_eq!(short.hash, documented_short(&first.hash.0, &[&[3; 32], &[1; 32], &first.hash.0], content));

    // The longest that is short, and one byte more.
    for length in [24, 25] {
        let text = "x".repeat(length.into());
        let run = run(author(0), None, &[], vec![apply(7, &text)]);
        let operation = [&[2 * (2 + length), 7, length], text.as_bytes()].concat();
        let content = [&[0, 0, 1, 3 + length], &operation[..]].concat();
        let name = match content.len() {
            31 => documented_short(&[9; 32], &[&[1; 32]], content),
            _ => documented(&[9; 32], content, &[&[1; 32]]),
        };
        assert_eq!(run.hash, name);
    }

    let mut second =
        run(author(1), Some(&first), &[&first], vec![apply(7, ""), Operation::Ack { digest: None }]);
    let header = &mut Arc::get_mut(&mut second).unwrap().header;
    (header.author.incarnation, header.lamport, header.schema, header.fingerprint) = (5, 302, 3, 128);
    let content = [
        // Incarnation, program, heads, more than one operation.
        &[0b1111][..],
        &[5],
        &[1, 0xad, 2],
        &[3, 0x80, 1],
        &[1],
    ]
    .concat();
    let short = [&content[..], &[0, 0], &[2], &[4], &[4, 7, 0, 1]].concat();
    let hash = run_hash(&second.header, 2, &second.bytes);
    assert_eq!(hash, documented_short(&first.hash.0, &[&[2; 32], &[1; 32], &first.hash.0], short));
    let long = [&content[..], &[1; 32], &[0, 0], &[2], &[40], &[8; 40]].concat();
    let hash = run_hash(&second.header, 2, &[8; 40]);
    assert_eq!(hash, documented(&first.hash.0, long, &[&[2; 32], &first.hash.0]));
}

/// Of a short run: of the previous run's hash, what is before the content, and that without its zeros.
fn documented_short(previous: &[u8; 32], before: &[&[u8; 32]], mut content: Vec<u8>) -> RunHash {
    content.resize(31, 0);
    let mut message: Vec<u8> = before.iter().flat_map(|hash| **hash).collect();
    message.extend(content);
    RunHash(*blake3::keyed_hash(previous, &message).as_bytes())
}

/// Of the previous run's hash, the content without its zeros, and what is beside it.
fn documented(previous: &[u8; 32], mut content: Vec<u8>, beside: &[&[u8; 32]]) -> RunHash {
    content.resize(content.len().next_multiple_of(64), 0);
    let mut message = blake3::hash(&content).as_bytes().to_vec();
    for hash in beside {
        message.extend_from_slice(*hash);
    }
    RunHash(*blake3::keyed_hash(previous, &message).as_bytes())
}

/// Whatever of a run is another, its name is.
#[test]
fn two_runs_that_differ_have_two_names() {
    let first = run(author(0), None, &[], vec![apply(7, "seven")]);
    let second = run(author(1), None, &[&first], vec![apply(7, "seven")]);
    let name = |change: &dyn Fn(&mut Header)| {
        let mut header = second.header.clone();
        change(&mut header);
        run_hash(&header, 1, &second.bytes)
    };
    let mut names = vec![
        name(&|_| {}),
        name(&|header| header.author.peer.0[31] ^= 1),
        name(&|header| header.author.incarnation = 0),
        name(&|header| header.seq = 1),
        name(&|header| header.seq = 1 << 63),
        name(&|header| header.lamport = 1),
        name(&|header| header.lamport = u64::MAX),
        name(&|header| header.previous.0[0] ^= 1),
        name(&|header| header.schema = 1),
        name(&|header| header.fingerprint = 1),
        name(&|header| header.heads = Vec::new().into()),
        name(&|header| {
            let again = header.heads[0];
            header.heads.push(again);
        }),
        name(&|header| header.heads[0].hash.0[0] ^= 1),
        name(&|header| header.heads[0].seq = 1),
        name(&|header| header.heads[0].author.incarnation = 1),
        name(&|header| header.heads[0].author.peer.0[0] ^= 1),
        run_hash(&second.header, 2, &second.bytes),
        run_hash(&second.header, 1, &second.bytes[1..]),
        // Longer than what is put together on the stack.
        run_hash(&second.header, 1, &[0; 1000]),
        run_hash(&second.header, 1, &[0; 1001]),
    ];
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_commit_of_ten_bytes_costs_twelve_after_the_first() {
    let mut runs = vec![run(author(0), None, &[], vec![apply(1, "12345678")])];
    for number in 2..100 {
        let previous = runs.last().map(AsRef::as_ref);
        runs.push(run(author(0), previous, &[], vec![apply(number, "12345678")]));
    }
    let bytes = delta(&runs).encode().unwrap().len();
    let one = delta(&runs[..1]).encode().unwrap().len();
    // Version, count, flags, author, previous, seq, the operation, the test keys' signature.
    assert_eq!(one, 1 + 1 + 1 + 33 + 32 + 1 + 11 + 9);
    assert_eq!(bytes, one + 99 * 12 - 12);
    assert_eq!(bytes - one, 98 * 12);
}

#[test]
fn three_peers_that_hear_each_other_pay_two_bytes_a_head() {
    let mut runs = vec![run(author(0), None, &[], vec![apply(1, "12345678")])];
    for number in 1..300 {
        let previous = (number >= 3).then(|| runs[number - 3].clone());
        let heads: Vec<_> = runs[number.saturating_sub(2)..].to_vec();
        let heads: Vec<_> = heads.iter().map(AsRef::as_ref).collect();
        runs.push(run(author(number % 3), previous.as_deref(), &heads, vec![apply(1, "12345678")]));
    }
    let bytes = delta(&runs).encode().unwrap().len();
    assert!(bytes / 300 <= 18, "{} bytes an operation", bytes / 300);
}

/// More runs than a delta's table keeps, and than are hashed together; heads point far back, and to runs that are hashed with theirs.
#[test]
fn a_long_delta_of_two_that_hear_each_other_is_read_as_it_was_written() {
    let mut runs = vec![run(author(0), None, &[], vec![apply(0, "a")])];
    runs.push(run(author(1), None, &[&runs[0]], vec![apply(0, "b")]));
    for number in 2..4_000 {
        // The one as it writes, the other after up to 200 of its runs.
        let is_late = number % 9 == 0;
        let last = runs.iter().rposition(|run| (run.header.author == author(1)) == is_late).unwrap();
        let heard = runs.len() - 1 - number * 7 % 200.min(runs.len());
        let heard = runs[..=heard].iter().rposition(|run| (run.header.author == author(1)) != is_late);
        let heads: Vec<_> = heard.iter().map(|at| runs[*at].as_ref()).collect();
        runs.push(run(
            author(usize::from(is_late)),
            Some(&runs[last]),
            &heads,
            vec![apply(number as u32, "c")],
        ));
    }
    let bytes = delta(&runs).encode().unwrap();
    let limits = Limits::default();
    let read = Delta::<Op>::decode(&bytes, &Postcard::new(), &limits).unwrap();
    assert!(read.runs.len() == runs.len() && read.runs.iter().zip(&runs).all(|(a, b)| same(a, b)));
    assert_eq!(delta(&read.runs).encode().unwrap(), bytes);
}

#[test]
fn without_a_codec_there_are_no_bytes() {
    let mut run = run(author(0), None, &[], vec![apply(1, "")]);
    Arc::get_mut(&mut run).unwrap().bytes = Bytes::default();
    assert_eq!(delta(&[run]).encode(), Err(EncodeError::NoCodec));
}

#[test]
fn the_genesis_is_the_documented_one() {
    let members = [(world::peer(1), Grant::Write), (world::peer(0), Grant::Owner)].into();
    let message = [&[1; 32][..], &[2], &[2; 32], &[1]].concat();
    let key = b"control-panel genesis v1\0\0\0\0\0\0\0\0";
    assert_eq!(super::super::genesis(&members), RunHash(*blake3::keyed_hash(key, &message).as_bytes()));
}

#[test]
fn a_version_has_one_encoding() {
    let mut version = Version::new();
    for (number, count) in [(3, 7), (0, 300), (2, 1)] {
        version.raise(author(number), count);
    }
    for (next_seq, hash) in [(290, [4; 32]), (300, [1; 32])] {
        version.add_end(author(0), End { next_seq, hash: RunHash(hash) });
    }
    let bytes = version.encode();
    assert_eq!(Version::decode(&bytes, &Limits::default()), Ok(version));
    for end in 0..bytes.len() {
        Version::decode(&bytes[..end], &Limits::default()).unwrap_err();
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = Version::decode(&flipped, &Limits::default()) {
            assert_eq!(other.encode(), flipped, "bit {bit}");
        }
    }
    let error = Version::decode(&bytes, &Limits::default().with_authors(2)).unwrap_err();
    assert!(matches!(error.refused(), Refused::Limit { what: "authors", found: 3, limit: 2 }));
}
