//! The reader of postcard's format, against postcard's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::super::{postcard::write_postcard, read_postcard};
use crate::testing::Rng;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    New(i64),
    Pair(u16, Option<i8>),
    Named { text: String, flag: bool },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(u128);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct All {
    small: (u8, i8, u16, i16, char),
    wide: (u32, i32, i128, usize, isize),
    bits: (u32, u64),
    wrapped: Wrapped,
    unit: (Unit, ()),
    kinds: Vec<Kind>,
    map: BTreeMap<String, Vec<u8>>,
    next: Option<Box<All>>,
}

fn any(rng: &mut Rng, depth: usize) -> All {
    let number = |rng: &mut Rng| rng.next_u64() >> rng.index(64);
    let text = |rng: &mut Rng| "aé漢🦀".chars().cycle().take(rng.index(6)).collect::<String>();
    let kind = |rng: &mut Rng| match rng.index(4) {
        0 => Kind::Unit,
        1 => Kind::New(rng.next_u64() as i64 >> rng.index(64)),
        2 => Kind::Pair(rng.next_u64() as u16, Some(rng.next_u64() as i8).filter(|_| rng.index(2) == 0)),
        _ => Kind::Named { text: text(rng), flag: rng.index(2) == 0 },
    };
    All {
        small: (rng.next_u64() as u8, rng.next_u64() as i8, number(rng) as u16, number(rng) as i16, '漢'),
        wide: (
            number(rng) as u32,
            number(rng) as i32,
            i128::from(number(rng) as i64) << rng.index(64),
            number(rng) as usize,
            number(rng) as isize,
        ),
        bits: ((number(rng) as f32).to_bits(), f64::from_bits(number(rng)).to_bits()),
        wrapped: Wrapped(u128::from(number(rng)) << rng.index(65)),
        unit: (Unit, ()),
        kinds: (0..rng.index(5)).map(|_| kind(rng)).collect(),
        map: (0..rng.index(4)).map(|key| (format!("{key}{}", text(rng)), vec![key as u8; key])).collect(),
        next: (depth > 0 && rng.index(2) == 0).then(|| Box::new(any(rng, depth - 1))),
    }
}

/// What ours reads, theirs reads alike.
fn agree<T: DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> bool {
    let theirs = postcard::take_from_bytes::<T>(bytes);
    match (read_postcard::<T>(bytes), theirs) {
        (Ok(ours), Ok((theirs, []))) => {
            assert_eq!(ours, theirs);
            true
        }
        (Ok(ours), theirs) => panic!("{ours:?} is not {theirs:?}"),
        (Err(_), Ok((theirs, []))) => panic!("{theirs:?} was not read, of {bytes:?}"),
        (Err(_), _) => false,
    }
}

#[test]
fn it_reads_what_postcard_writes() {
    let mut rng = Rng::new(1);
    for _ in 0..2_000 {
        let value = any(&mut rng, 5);
        let bytes = postcard::to_allocvec(&value).unwrap();
        assert_eq!(read_postcard::<All>(&bytes), Ok(value));
        assert!(agree::<All>(&bytes));
        for _ in 0..8 {
            let mut damaged = bytes.clone();
            let at = rng.index(damaged.len());
            damaged[at] = rng.next_u64() as u8;
            agree::<All>(&damaged);
        }
        agree::<All>(&bytes[..rng.index(bytes.len())]);
    }
    for value in [0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY] {
        let bytes = postcard::to_allocvec(&(value, value as f32)).unwrap();
        assert_eq!(read_postcard(&bytes), Ok((value, value as f32)));
    }
}

#[test]
fn it_writes_what_postcard_writes() {
    let written = |value: &dyn Fn(&mut Vec<u8>)| {
        let mut out = vec![7];
        value(&mut out);
        out.split_off(1)
    };
    let mut rng = Rng::new(3);
    for _ in 0..2_000 {
        let value = any(&mut rng, 5);
        let bytes = written(&|out| write_postcard(&value, out).unwrap());
        assert_eq!(bytes, postcard::to_allocvec(&value).unwrap(), "{value:?}");
    }
    for shift in 0..128 {
        for value in [1_u128 << shift, (1 << shift) - 1, u128::MAX >> shift] {
            let value = (value, value as u64, value as u32, value as u16, value as i64, value as i128);
            let bytes = written(&|out| write_postcard(&value, out).unwrap());
            assert_eq!(bytes, postcard::to_allocvec(&value).unwrap(), "{value:?}");
        }
    }
}

#[test]
fn integers_are_read_in_their_width() {
    let mut rng = Rng::new(2);
    for _ in 0..20_000 {
        let mut bytes: Vec<_> = (0..rng.index(21)).map(|_| rng.next_u64() as u8 | 0x80).collect();
        bytes.push(rng.next_u64() as u8 & 7);
        agree::<u16>(&bytes);
        agree::<i32>(&bytes);
        agree::<u64>(&bytes);
        agree::<i128>(&bytes);
    }
    assert!(agree::<u64>(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]));
    assert!(!agree::<u64>(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Nested {
    End,
    In(Box<Nested>),
    Several(Vec<Nested>),
}

/// Row 1 of the threats: a million enums, one in the other, overflow no stack.
#[test]
fn deep_values_are_refused() {
    for tag in [1, 2] {
        let mut bytes = vec![1; 1_000_000];
        if tag == 2 {
            bytes = [2, 1].repeat(500_000);
        }
        bytes.push(0);
        let error = read_postcard::<Nested>(&bytes).unwrap_err();
        assert!(error.to_string().contains("nest deeper than 128"), "{error}");
    }
    let mut bytes = vec![1; 127];
    bytes.push(0);
    assert!(read_postcard::<Nested>(&bytes).is_ok());
    bytes.insert(0, 1);
    assert!(read_postcard::<Nested>(&bytes).is_err());
}

#[test]
fn declared_lengths_are_checked_against_what_is_left() {
    let mut bytes = postcard::to_allocvec(&u64::MAX).unwrap();
    bytes.extend([0; 8]);
    assert!(read_postcard::<Vec<u64>>(&bytes).is_err());
    assert!(read_postcard::<String>(&bytes).is_err());
    assert!(read_postcard::<BTreeMap<u8, u8>>(&bytes).is_err());
    // Elements that take no bytes: a loop of 2^64 turns.
    assert!(read_postcard::<Vec<()>>(&bytes).is_err());
    assert!(read_postcard::<u8>(&[1, 2]).is_err());
}
