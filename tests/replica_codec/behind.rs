//! A replica whose program is older than another member's: row 23. What it cannot read it keeps, and forgets nothing, cuts nothing and
//! compares nothing that should have that in it.

use std::hash::{DefaultHasher, Hash, Hasher};

use control_panel::{
    Delta, Peer, Replica, Stamp, State, Version,
    replica::{
        CutError, Grant, ReplicaNotice, Snapshot,
        codec::{Limits, Postcard, Refused, read_postcard},
    },
    testing::TestKeys,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
struct Words(Vec<(u64, String)>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, word: &String, stamp: &Stamp) {
        self.0.push((stamp.lamport, word.clone()));
    }
}

fn digest(words: &Words) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}

fn peer(number: u8) -> Peer {
    Peer([number; 32])
}

/// What a program of that schema reads: words of its own schema and of older ones.
fn codec(schema: u32) -> Postcard<String> {
    Postcard::migrating(schema, |_, bytes| read_postcard(bytes))
}

/// A program of a schema, and its replica. The first two peers begin the group.
struct Node {
    schema: u32,
    replica: Replica<Words>,
    notices: Vec<ReplicaNotice>,
}

impl Node {
    fn new(number: u8, schema: u32) -> Self {
        Self { schema, replica: builder(number, schema).build(), notices: Vec::new() }
    }

    fn commit(&mut self, words: impl IntoIterator<Item = &'static str>) {
        words.into_iter().for_each(|word| {
            self.replica.commit(word.into());
        });
    }

    fn merge(&mut self, bytes: &[u8]) {
        self.replica
            .merge(Delta::decode_signed(bytes, &codec(self.schema), &Limits::default(), &TestKeys).unwrap());
        self.notices.extend(self.replica.settle().notices);
    }

    fn words(&self) -> Vec<&str> {
        self.replica.state().0.iter().map(|(_, word)| word.as_str()).collect()
    }

    /// Its program ends, and one of another schema begins with what it kept.
    fn updated(self, schema: u32) -> Self {
        let kept = self.replica.since(&Version::new()).encode().unwrap();
        let number = self.replica.author().peer.0[0];
        let mut node = Self::new(number, schema);
        node.merge(&kept);
        node
    }
}

fn builder(number: u8, schema: u32) -> control_panel::replica::ReplicaBuilder<Words> {
    Replica::builder(peer(number), Words::default())
        .members([1, 2].map(peer))
        .codec(codec(schema), Limits::default())
        .signer(TestKeys.signer(peer(number)))
        .verifier(TestKeys)
        .digest(digest)
}

/// All hear of each other, until no one has anything to say.
fn quiesce(nodes: &mut [&mut Node]) {
    for _ in 0..12 {
        for from in 0..nodes.len() {
            let _ = nodes[from].replica.settle();
            let Some(delta) = nodes[from].replica.outbox() else { continue };
            let bytes = delta.encode().unwrap();
            for (to, node) in nodes.iter_mut().enumerate() {
                if to != from {
                    node.merge(&bytes);
                }
            }
        }
    }
}

/// An owner of the old program and one of the new one: both have words of the old schema, then the new one writes.
fn mixed() -> (Node, Node) {
    let (mut old, mut new) = (Node::new(1, 0), Node::new(2, 1));
    old.commit(["a", "b"]);
    quiesce(&mut [&mut old, &mut new]);
    new.commit(["c"]);
    quiesce(&mut [&mut old, &mut new]);
    old.commit(["d"]);
    quiesce(&mut [&mut old, &mut new]);
    assert_eq!((old.words(), new.words()), (vec!["a", "b", "d"], vec!["a", "b", "c", "d"]));
    (old, new)
}

/// The Lamport time of the word that the old program cannot read.
fn unread(new: &Node) -> u64 {
    let found = new.replica.state().0.iter().find(|(_, word)| word == "c");
    found.unwrap().0
}

#[test]
fn its_state_is_provisional_until_the_update() {
    let (old, new) = mixed();
    assert_eq!(old.notices, [ReplicaNotice::NeedsUpgrade { schema: 1 }]);
    assert!(old.replica.is_provisional() && !new.replica.is_provisional());
    let old = old.updated(1);
    assert_eq!(old.notices, []);
    assert!(!old.replica.is_provisional());
    assert_eq!(old.replica.state(), new.replica.state());
}

#[test]
fn nothing_is_stable_there_from_the_first_operation_on_that_it_cannot_read() {
    let (mut old, mut new) = mixed();
    assert_eq!(old.replica.watermark(), unread(&new) - 1);
    assert!(new.replica.watermark() > unread(&new), "it holds no one back");
    // What it wrote after that may have been another word, had it read all: its effects wait.
    let effects = |node: &mut Node| node.replica.settled_ops().into_iter().map(|(_, word)| word);
    assert_eq!(effects(&mut old).collect::<Vec<_>>(), ["a", "b"]);
    let mut old = old.updated(1);
    quiesce(&mut [&mut old, &mut new]);
    assert_eq!(effects(&mut old).collect::<Vec<_>>(), ["a", "b", "d"]);
}

#[test]
fn a_cut_of_another_member_takes_nothing_from_it_that_it_cannot_read() {
    let (mut old, mut new) = mixed();
    new.replica.cut().unwrap();
    quiesce(&mut [&mut old, &mut new]);
    assert!(new.replica.snapshot().unwrap().level() > unread(&new));
    assert!(!new.replica.reaches(&Version::new()) && old.replica.reaches(&Version::new()));

    old.commit(["e"]);
    quiesce(&mut [&mut old, &mut new]);
    let mut old = old.updated(1);
    assert_eq!(old.replica.state(), new.replica.state());
    old.commit(["f"]);
    new.commit(["g"]);
    quiesce(&mut [&mut old, &mut new]);
    assert_eq!(old.words().len(), 7);
    assert_eq!(old.replica.state(), new.replica.state());
    // Now it forgets what the cut covers.
    assert!(!old.replica.reaches(&Version::new()));
    assert_eq!(old.replica.watermark(), new.replica.watermark());
}

#[test]
fn it_cuts_up_to_there_and_no_further() {
    let (mut old, mut new) = mixed();
    old.replica.cut().unwrap();
    quiesce(&mut [&mut old, &mut new]);
    let level = new.replica.snapshot().unwrap().level();
    assert!(level > 0 && level < unread(&new), "{level}");

    let refused = old.replica.cut().unwrap_err();
    let CutError::NeedsUpgrade { schema: 1, first } = refused else { panic!("{refused:?}") };
    assert_eq!(first.lamport, unread(&new));
    assert_eq!(
        refused.to_string(),
        format!(
            "operation {first} is of schema 1, which this program cannot read: update it, or let an updated owner cut"
        )
    );
    let stranger = Node::new(3, 0).replica.cut().unwrap_err();
    assert!(matches!(stranger, CutError::NotOwner(_)), "{stranger:?}");
}

#[test]
fn what_it_gives_holds_all_that_it_cannot_read() {
    let (mut old, mut new) = mixed();
    new.replica.cut().unwrap();
    quiesce(&mut [&mut old, &mut new]);
    old.replica.invite(peer(3), Grant::Write).unwrap();
    let snapshot = old.replica.snapshot().unwrap();
    assert!(snapshot.level() < unread(&new));
    let bytes = snapshot.encode().unwrap();

    // A joiner of the old program is where its giver is; the new program does not take the state of an old one for its own.
    let read =
        |schema| Snapshot::<Words>::decode_signed(&bytes, &codec(schema), &Limits::default(), &TestKeys);
    let mut joiner = Node::new(3, 0);
    joiner.replica = builder(3, 0).join(read(0).unwrap()).unwrap();
    assert_eq!(joiner.replica.settle().notices[0], ReplicaNotice::NeedsUpgrade { schema: 1 });
    assert!(joiner.replica.is_provisional());
    assert_eq!(joiner.words(), old.words());
    let refused = read(1).unwrap_err();
    assert_eq!(refused.refused(), &Refused::Schema { found: 0, known: 1 });
    assert!(refused.to_string().contains("Codec::migrate_state"), "{refused}");

    // It passes on what it cannot read.
    let of_new = |node: &Node| node.replica.version().get(new.replica.author());
    assert_eq!(of_new(&joiner), of_new(&old));
    joiner.commit(["joined"]);
    quiesce(&mut [&mut old, &mut new, &mut joiner]);
    assert_eq!(joiner.words(), old.words());
    assert!(new.words().contains(&"joined"));
}

#[test]
fn states_are_not_compared_where_they_must_differ() {
    let (mut old, mut new) = mixed();
    for _ in 0..3 {
        (0..600).for_each(|_| new.commit(["more"]));
        (0..600).for_each(|_| old.commit(["more"]));
        quiesce(&mut [&mut old, &mut new]);
    }
    assert_eq!(old.notices, [ReplicaNotice::NeedsUpgrade { schema: 1 }]);
    assert_eq!(new.notices, []);
    let mut old = old.updated(1);
    quiesce(&mut [&mut old, &mut new]);
    assert_eq!((&old.notices[..], &new.notices[..]), (&[][..], &[][..]));
    assert_eq!(old.replica.state(), new.replica.state());
}

/// A schema that no program has: an owner takes the operation back, and the group goes on.
#[test]
fn an_operation_of_a_schema_that_there_is_none_of_can_be_revoked() {
    let (mut here, mut forger) = (Node::new(1, 0), Node::new(2, u32::MAX));
    here.commit(["a"]);
    quiesce(&mut [&mut here, &mut forger]);
    forger.commit(["forged"]);
    quiesce(&mut [&mut here, &mut forger]);
    here.commit(["b"]);
    quiesce(&mut [&mut here, &mut forger]);
    assert!(here.replica.is_provisional());
    let CutError::NeedsUpgrade { schema: u32::MAX, first } = ({
        here.replica.cut().unwrap();
        here.replica.cut().unwrap_err()
    }) else {
        panic!()
    };
    here.replica.revoke(first).unwrap();
    here.replica.retire(peer(2)).unwrap();
    let _ = here.replica.settle();
    assert!(!here.replica.is_provisional());
    assert!(here.replica.watermark() > first.lamport);
    here.replica.cut().unwrap();
    assert_eq!(here.words(), ["a", "b"]);
}

/// What is void is in no one's state, whether it can be read or not.
#[test]
fn what_is_void_holds_nothing_up() {
    let (mut here, mut retired) = (Node::new(1, 0), Node::new(2, 1));
    here.commit(["a"]);
    quiesce(&mut [&mut here, &mut retired]);
    here.replica.retire(peer(2)).unwrap();
    let _ = here.replica.settle();
    retired.commit(["offline"]);
    here.merge(&retired.replica.outbox().unwrap().encode().unwrap());
    assert!(!here.replica.is_provisional());
    here.commit(["b"]);
    here.replica.outbox();
    let _ = here.replica.settle();
    assert_eq!(here.replica.unstable(), 0);
    assert!(!here.notices.iter().any(|notice| matches!(notice, ReplicaNotice::NeedsUpgrade { .. })));
}
