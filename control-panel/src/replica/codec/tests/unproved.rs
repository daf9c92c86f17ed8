//! Snapshots of a giver that has runs which it cannot prove.

use std::{collections::BTreeMap, sync::Arc};

use super::super::{Coding, EncodeError, Limits, Postcard, genesis, words::Words};
use crate::{
    replica::{
        Author, Delta, Grant, Peer, Replica, RunHash, Snapshot,
        identify::{Identify, Identity},
        run::{Head, Header, Operation, Run},
        signature::Signed,
        signed::Signature,
    },
    testing::TestKeys,
};

const PEERS: [Peer; 3] = [Peer([1; 32]), Peer([2; 32]), Peer([3; 32])];

fn replica() -> Replica<Words> {
    let builder = Replica::builder(PEERS[0], Words::default()).members(PEERS);
    let builder = builder.codec(Postcard::new(), Limits::default());
    builder.signer(TestKeys.signer(PEERS[0])).verifier(TestKeys).build()
}

/// A run of the second peer, whatever its time and its heads, with a signature.
fn run(previous: Option<&Run<String>>, lamport: u64, heads: Vec<Head>) -> Run<String> {
    let header = Header {
        author: Author { peer: PEERS[1], incarnation: 0 },
        seq: previous.map_or(0, Run::next_seq),
        lamport,
        previous: previous
            .map_or_else(|| genesis(&BTreeMap::from(PEERS.map(|peer| (peer, Grant::Owner)))), |run| run.hash),
        heads: heads.into(),
        schema: 0,
        fingerprint: 0,
    };
    let names = Box::new(Coding::new(Postcard::<String>::new(), Limits::default()));
    let (names, mut bytes) = (Signed { names, signer: Arc::new(TestKeys.signer(PEERS[1])) }, Vec::new());
    let operations = vec![Operation::Apply("word".to_owned())];
    names.encode(&operations[0], &mut bytes);
    let Identity { hash, signature } = names.identify(&header, &operations, &bytes);
    Run { header, operations: operations.into(), hash, bytes: bytes.into(), signature }
}

/// A first run without its signature, and a second with one for both, which waits for a run that never comes.
fn giver(lamport: impl Fn(u64) -> u64) -> Replica<Words> {
    let mut giver = replica();
    giver.commit("one".into());
    giver.commit("two".into());
    let own = giver.outbox().unwrap().runs.into_vec().remove(0);
    let first = Run { signature: Signature::default(), ..run(None, 1, vec![]) };
    let known = Head { author: own.header.author, seq: 1, hash: own.hash };
    let missing = Head { author: Author { peer: PEERS[2], incarnation: 0 }, seq: 0, hash: RunHash([7; 32]) };
    let second = run(Some(&first), lamport(own.clock()), vec![known, missing]);
    giver.merge(Delta::of(vec![Arc::new(first), Arc::new(second)]));
    let _ = giver.settle();
    assert_eq!(giver.state().0.len(), 3);
    giver
}

#[test]
fn a_waiting_run_goes_with_what_it_proves() {
    let mut giver = giver(|clock| clock + 1);
    let snapshot = giver.snapshot().unwrap();
    assert_eq!(snapshot.waiting.len(), 1);
    let bytes = snapshot.encode().unwrap();
    let read = Snapshot::<Words>::decode_signed(&bytes, &Postcard::new(), &Limits::default(), &TestKeys);
    let read = read.unwrap();
    assert_eq!((read.waiting.len(), read.encode().unwrap()), (1, bytes));
}

/// Its time cannot be written after the run that it names: the bytes would be refused whole.
#[test]
fn a_waiting_run_that_lies_proves_nothing_and_spoils_nothing() {
    let mut giver = giver(|clock| clock);
    let author = Author { peer: PEERS[1], incarnation: 0 };
    let error = giver.snapshot().unwrap().encode().unwrap_err();
    assert_eq!(error, EncodeError::Unproved { author, seq: 0 });
    assert!(error.to_string().contains("merge what another member has"), "{error}");
}
