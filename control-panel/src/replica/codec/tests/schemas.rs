//! Operations of older and newer schemas, and those that no codec reads.

use serde::{Deserialize, Serialize};

use super::{
    super::{Codec, Coding, EncodeError, Limits, Postcard, read_postcard},
    world::{self, author},
};
use crate::replica::{
    Delta, RunHash,
    identify::{Identify, Identity},
    run::{Header, Operation, Run},
    short::Few,
};
use crate::testing::Rng;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Old {
    Add(u8),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum New {
    Add { number: u8, by: String },
    Clear,
}

fn old() -> Postcard<Old> {
    Postcard::new()
}

fn new() -> Postcard<New> {
    Postcard::migrating(1, |schema, bytes| {
        assert_eq!(schema, 0);
        let Old::Add(number) = read_postcard(bytes)?;
        Ok(New::Add { number, by: "unknown".into() })
    })
}

fn made<Op: 'static>(codec: impl Codec<Op>, operations: Vec<Operation<Op>>) -> Delta<Op> {
    let coding = Coding::new(codec, Limits::default());
    let header = Header {
        author: author(0),
        seq: 0,
        lamport: 1,
        previous: RunHash::default(),
        heads: Vec::new().into(),
        schema: coding.schema(),
        fingerprint: 0,
    };
    let mut bytes = Vec::new();
    for operation in &operations {
        coding.encode(operation, &mut bytes);
    }
    let Identity { hash, signature } = coding.identify(&header, &operations, &bytes);
    let bytes = bytes.into();
    Delta::of(Few::One(std::sync::Arc::new(Run {
        header,
        operations: operations.into(),
        hash,
        bytes,
        signature,
    })))
}

fn ops<Op: Clone>(delta: &Delta<Op>) -> Vec<Op> {
    delta.operations().map(|(_, op)| op.clone()).collect()
}

#[test]
fn an_older_schema_is_migrated() {
    let bytes = made(old(), vec![Operation::Apply(Old::Add(3))]).encode().unwrap();
    let read = Delta::decode(&bytes, &new(), &Limits::default()).unwrap();
    assert_eq!(ops(&read), [New::Add { number: 3, by: "unknown".into() }]);
    assert_eq!((read.unread(), read.encode().unwrap()), (0, bytes));
}

#[test]
fn a_newer_schema_is_kept_forwarded_and_read_after_the_update() {
    let written = vec![New::Add { number: 3, by: "me".into() }, New::Clear];
    let bytes = made(new(), written.iter().cloned().map(Operation::Apply).collect()).encode().unwrap();

    let before = Delta::decode(&bytes, &old(), &Limits::default()).unwrap();
    assert_eq!((ops(&before), before.unread(), before.len()), (vec![], 2, 2));
    assert_eq!(before.runs[0].header.schema, 1);
    let forwarded = before.encode().unwrap();
    assert_eq!(forwarded, bytes);

    let after = Delta::decode(&forwarded, &new(), &Limits::default()).unwrap();
    assert_eq!((ops(&after), after.unread()), (written, 0));
    assert_eq!(after.runs[0].hash, before.runs[0].hash);
}

/// Older programs would keep a run that newer ones refuse, and what depends on it; so none refuses it, and none applies it.
#[test]
fn what_its_own_schema_cannot_read_is_left_out_and_not_refused() {
    struct Bytes;
    impl Codec<Vec<u8>> for Bytes {
        fn schema(&self) -> u32 {
            0
        }
        fn encode(&self, op: &Vec<u8>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
            out.extend_from_slice(op);
            Ok(())
        }
        fn decode(&self, _: u32, bytes: &[u8]) -> Result<Vec<u8>, super::super::DecodeError> {
            Ok(bytes.to_vec())
        }
    }
    let mut rng = Rng::new(3);
    for _ in 0..200 {
        let noise: Vec<u8> = (0..rng.index(40)).map(|_| rng.next_u64() as u8 | 2).collect();
        let written = vec![Operation::Apply(noise), Operation::Apply(vec![0, 7])];
        let bytes = made(Bytes, written).encode().unwrap();
        let read = Delta::decode(&bytes, &old(), &Limits::default()).unwrap();
        assert_eq!((ops(&read), read.unread()), (vec![Old::Add(7)], 1));
        assert_eq!(read.encode().unwrap(), bytes);
    }
}

#[test]
fn a_codec_that_panics_reads_nothing() {
    let panics = Postcard::<Old>::migrating(1, |_, _| panic!("cannot migrate"));
    let bytes = made(old(), vec![Operation::Apply(Old::Add(3))]).encode().unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let read = Delta::decode(&bytes, &panics, &Limits::default());
    std::panic::set_hook(hook);
    assert_eq!(read.unwrap().unread(), 1);
}

#[test]
fn an_operation_that_others_could_not_take_is_refused_before_the_commit() {
    #[derive(Clone, Serialize, Deserialize)]
    enum Tree {
        Leaf,
        Node(Box<Tree>),
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Skips {
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<u8>,
    }
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u32),
    }
    let deep = |depth| (0..depth).fold(Tree::Leaf, |tree, _| Tree::Node(Box::new(tree)));
    let trees = Coding::new(Postcard::<Tree>::new(), Limits::default());
    assert_eq!(trees.put(&deep(127), &mut Vec::new()), Ok(128));
    assert!(matches!(trees.put(&deep(128), &mut Vec::new()), Err(EncodeError::NotReadBack(_))));
    let skips = Coding::new(Postcard::<Skips>::new(), Limits::default());
    assert!(matches!(skips.put(&Skips { name: None }, &mut Vec::new()), Err(EncodeError::NotReadBack(_))));
    let untagged = Coding::new(Postcard::<Untagged>::new(), Limits::default());
    assert!(matches!(untagged.put(&Untagged::Number(1), &mut Vec::new()), Err(EncodeError::NotReadBack(_))));
    let texts = Coding::new(Postcard::<world::Op>::new(), Limits::default().with_op_bytes(8));
    assert_eq!(texts.put(&(1, "123456".into()), &mut Vec::new()), Ok(8));
    assert_eq!(
        texts.put(&(1, "1234567".into()), &mut Vec::new()),
        Err(EncodeError::TooLong { found: 9, limit: 8 })
    );
}

/// An older program could take the bytes for something else: it does not try.
#[test]
fn a_newer_schema_is_not_read_by_chance() {
    let doubled = Postcard::<u8>::migrating(1, |_, bytes| Ok(2 * read_postcard::<u8>(bytes)?));
    let bytes = made(doubled.clone(), vec![Operation::Apply(8)]).encode().unwrap();
    let read = Delta::decode(&bytes, &Postcard::<u8>::new(), &Limits::default()).unwrap();
    assert_eq!((ops(&read), read.unread()), (vec![], 1));
    let older = made(Postcard::<u8>::new(), vec![Operation::Apply(8)]).encode().unwrap();
    assert_eq!(ops(&Delta::decode(&older, &doubled, &Limits::default()).unwrap()), [16]);
}
