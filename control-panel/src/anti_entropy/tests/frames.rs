//! Bytes from an untrusted source. `FUZZ_INPUTS=…` runs more.

use std::{collections::VecDeque, time::Duration};

use super::{
    super::{
        Breach, Capabilities, Connection, Hello, Message, Offer, Options, Reason, Wire,
        wire::{FrameReader, Kind, encode},
    },
    disk::Disk,
    group::{builder, local, peer},
};
use crate::{
    replica::{Author, RunHash, Version, version::End},
    testing::Rng,
};

pub(super) fn version(authors: usize) -> Version {
    let mut version = Version::new();
    for index in 0..authors {
        let author = Author { peer: peer(index % 200), incarnation: u32::try_from(index / 200).unwrap() };
        version.raise(author, 300);
        version.add_end(author, End { next_seq: 300, hash: RunHash([3; 32]) });
    }
    version
}

fn messages() -> Vec<Message<Wire>> {
    let capabilities = Capabilities { required: 5, optional: 1 << 31 };
    let yours = version(3).of(peer(1));
    vec![
        Message::Hello(Hello { versions: 1..=7, capabilities, group: [9; 32], yours }),
        Message::Have(version(30)),
        Message::Delta(vec![7; 400]),
        Message::Took(u64::MAX),
        Message::Want(Version::new()),
        Message::Offer(Offer { length: 1 << 40, hash: [1; 32], level: 77 }),
        Message::Request([2; 32]),
        Message::Chunk(vec![1; 64 << 10]),
        Message::Bye(Reason::Duplicate),
        Message::Bye(Reason::of_code(200)),
    ]
}

fn frame(message: &Message<Wire>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(message, &mut bytes);
    bytes
}

fn read_all(mut bytes: &[u8], ready: bool) -> Result<Vec<Message<Wire>>, Breach> {
    let (mut reader, mut messages) = (FrameReader::default(), Vec::new());
    while let Some(message) = reader.read(&mut bytes, &Options::default(), ready, Duration::ZERO)? {
        messages.push(message);
    }
    assert!(bytes.is_empty());
    Ok(messages)
}

#[test]
fn a_message_has_one_encoding_however_it_is_split() {
    let frames: Vec<_> = messages().iter().map(frame).collect();
    let whole = frames.concat();
    for step in [1, 2, 3, 7, 1_000, whole.len()] {
        let (mut reader, mut read) = (FrameReader::default(), Vec::new());
        for mut part in whole.chunks(step) {
            while let Some(message) =
                reader.read(&mut part, &Options::default(), true, Duration::ZERO).unwrap()
            {
                read.push(frame(&message));
            }
        }
        assert_eq!(read, frames);
    }
}

#[test]
fn a_length_beyond_the_limit_is_refused_from_the_prefix() {
    let options = Options::default();
    for kind in Kind::ALL {
        for length in [u32::MAX, u32::try_from(kind.limit(&options)).unwrap() + 1] {
            let mut bytes = vec![kind as u8];
            bytes.extend(length.to_le_bytes());
            let mut reader = FrameReader::default();
            let read = reader.read(&mut &bytes[..], &options, true, Duration::ZERO);
            assert_eq!((read.err(), reader.held()), (Some(Breach::TooLong), 0), "{kind:?}");
        }
    }
}

#[test]
fn a_declared_length_sets_aside_little() {
    let mut bytes = vec![Kind::Delta as u8];
    bytes.extend((16_u32 << 20).to_le_bytes());
    bytes.push(1);
    let mut reader = FrameReader::default();
    assert!(reader.read(&mut &bytes[..], &Options::default(), true, Duration::ZERO).unwrap().is_none());
    assert!(reader.held() <= 4 << 10, "{}", reader.held());
}

#[test]
fn before_the_hello_nothing_else_is_read() {
    for kind in Kind::ALL {
        let first = read_all(&[kind as u8], false).err();
        let expected = (!matches!(kind, Kind::Hello | Kind::Bye)).then_some(Breach::Order);
        assert_eq!(first, expected, "{kind:?}");
    }
    assert_eq!(read_all(&[0], true).err(), Some(Breach::Malformed));
    assert_eq!(read_all(&[10], true).err(), Some(Breach::Malformed));
}

#[test]
fn a_version_is_of_no_more_authors_than_a_group_has() {
    let options = Options { authors: 100, ..Options::default() };
    let read = |version| {
        let bytes = frame(&Message::Have(version));
        FrameReader::default().read(&mut &bytes[..], &options, true, Duration::ZERO).map(|_| ())
    };
    assert_eq!(read(version(100)), Ok(()));
    assert_eq!(read(version(101)), Err(Breach::Authors));
    let long = read(version(2_000));
    assert_eq!(long, Err(Breach::TooLong), "refused from its length");
}

/// Changes, removes, inserts or repeats some of it, or puts a length in.
fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.index(4) {
        let at = rng.index(bytes.len().max(1));
        match rng.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            1 if at < bytes.len() => bytes[at] = rng.next_u64().to_le_bytes()[0],
            2 => bytes.truncate(at),
            3 if !bytes.is_empty() => {
                let end = (at + rng.index(20)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let noise = rng.next_u64().to_le_bytes();
                bytes.splice(at.min(bytes.len())..at.min(bytes.len()), noise);
            }
            5 if at + 4 <= bytes.len() => {
                let length = [0, 1, 0xFF, 0x1_0000, 1 << 24, u32::MAX][rng.index(6)];
                bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
            }
            6 if at < bytes.len() => {
                let again = bytes[at..(at + rng.index(60)).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
            _ => (),
        }
    }
}

fn inputs() -> u64 {
    std::env::var("FUZZ_INPUTS").ok().and_then(|inputs| inputs.parse().ok()).unwrap_or(4_000)
}

/// What is read is what was written; what is held is bounded by what arrived; nothing panics.
#[test]
fn mutated_bytes_are_read_as_one_message_or_refused() {
    let (mut rng, options) =
        (Rng::new(1), Options { authors: 1_000, delta_bytes: 1 << 20, ..Options::default() });
    let frames: Vec<_> = messages().iter().map(frame).filter(|frame| frame.len() < 10_000).collect();
    let mut read = 0_u64;
    for input in 0..inputs() {
        let mut bytes = Vec::new();
        for _ in 0..=rng.index(3) {
            bytes.extend(rng.pick(&frames).unwrap());
        }
        mutate(&mut bytes, &mut rng);
        let (mut reader, mut left, mut again) = (FrameReader::default(), &bytes[..], Vec::new());
        'input: while !left.is_empty() {
            let (mut part, rest) = left.split_at(1 + rng.index(left.len()));
            left = rest;
            loop {
                let message = reader.read(&mut part, &options, true, Duration::ZERO);
                assert!(reader.held() <= (2 * bytes.len()).max(4 << 10), "input {input}");
                match message {
                    Ok(Some(message)) => {
                        encode(&message, &mut again);
                        read += 1;
                    }
                    Ok(None) => break,
                    Err(_) => break 'input,
                }
            }
        }
        assert!(bytes.starts_with(&again), "input {input}: a second encoding was read");
    }
    assert!(read > inputs() / 2, "{read}");
}

/// A whole session under the same: it ends by one verdict, and holds no more than its bounds.
#[test]
fn a_session_survives_mutated_bytes() {
    let mut rng = Rng::new(2);
    let mut hello = Vec::new();
    let mut from = Connection::new(local(0), peer(1), Options::default());
    let mut disk = Disk::new(builder(2, 0, 0).build());
    let Ok(_) = from.send(&mut hello, &mut disk.view(&mut VecDeque::new()), Duration::ZERO);
    hello.extend(frame(&Message::Have(version(3))));
    let frames: Vec<_> = messages()[2..].iter().map(frame).filter(|frame| frame.len() < 10_000).collect();
    let (mut ended, mut went_on) = (0_u64, 0_u64);
    for _ in 0..inputs() / 4 {
        let mut connection = Connection::new(local(1), peer(0), Options::default());
        let mut bytes = hello.clone();
        if rng.chance(20) {
            mutate(&mut bytes, &mut rng);
        }
        let mut more: Vec<_> = (0..4).flat_map(|_| rng.pick(&frames).unwrap().clone()).collect();
        if rng.chance(50) {
            mutate(&mut more, &mut rng);
        }
        bytes.extend(more);
        let (mut left, mut over) = (&bytes[..], false);
        while !left.is_empty() && !over {
            over = connection.receive(&mut left, &Version::new(), Duration::ZERO).is_err();
        }
        assert_eq!(connection.session().is_over(), over);
        *if over { &mut ended } else { &mut went_on } += 1;
    }
    assert!(ended > 0 && went_on > 0, "{ended} {went_on}");
}
