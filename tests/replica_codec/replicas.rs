//! Replicas that know each other by bytes alone.

use control_panel::{
    Delta, Peer, Replica, Stamp, State, Version,
    replica::{
        Grant, Misbehaviour, ReplicaNotice,
        codec::{Codec, DecodeError, EncodeError, ForkProof, Limits, Postcard, Refused, read_postcard},
    },
    testing::{Rng, TestKeys},
};

/// What was written, in the order of all.
#[derive(Clone, Debug, PartialEq)]
struct Log<Op>(Vec<(u64, Op)>);

impl<Op: Clone + Send + Sync + 'static> State for Log<Op> {
    type Op = Op;

    fn apply(&mut self, op: &Op, stamp: &Stamp) {
        self.0.push((stamp.lamport, op.clone()));
    }
}

impl<Op> Default for Log<Op> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

type Words = Replica<Log<String>>;

fn peer(number: u8) -> Peer {
    Peer([number; 32])
}

fn replica_of<Op: Clone + Send + Sync + 'static>(number: u8, codec: impl Codec<Op>) -> Replica<Log<Op>> {
    let builder = Replica::builder(peer(number), Log(Vec::new())).members([1, 2, 3, 4].map(peer));
    builder.codec(codec, Limits::default()).signer(TestKeys.signer(peer(number))).verifier(TestKeys).build()
}

fn replica(number: u8) -> Words {
    replica_of(number, Postcard::new())
}

fn read(bytes: &[u8]) -> Result<Delta<String>, DecodeError> {
    Delta::decode_signed(bytes, &Postcard::new(), &Limits::default(), &TestKeys)
}

/// All that `from` has and `to` lacks, as bytes, by a version that travels as bytes.
fn catch_up(from: &Words, to: &mut Words) {
    let version = Version::decode(&to.version().encode(), &Limits::default()).unwrap();
    assert_eq!(&version, to.version());
    to.merge(read(&from.since(&version).encode().unwrap()).unwrap());
}

fn settle<Op: Clone + Send + Sync + 'static>(replica: &mut Replica<Log<Op>>) -> Vec<ReplicaNotice> {
    replica.settle().notices
}

/// Everything goes through one relay, in any order, twice, with losses that a version repairs.
fn relayed(seed: u64) -> (Vec<Vec<u8>>, Vec<Words>) {
    let mut rng = Rng::new(seed);
    let mut replicas = vec![replica(1), replica(2), replica(3)];
    let mut sent = Vec::new();
    for frame in 0..60 {
        let writer = rng.index(3);
        for word in 0..rng.index(4) {
            replicas[writer].commit(format!("{frame}.{word}"));
        }
        if let Some(delta) = replicas[writer].outbox() {
            sent.push(delta.encode().unwrap());
        }
        for replica in &mut replicas {
            if let Some(bytes) = rng.pick(&sent) {
                replica.merge(read(bytes).unwrap());
                assert_eq!(settle(replica), []);
            }
        }
    }
    for _ in 0..2 {
        for (from, to) in [(0, 1), (1, 2), (2, 0)] {
            let from = replicas[from].since(replicas[to].version()).encode().unwrap();
            replicas[to].merge(read(&from).unwrap());
            assert_eq!(settle(&mut replicas[to]), []);
        }
    }
    (sent, replicas)
}

#[test]
fn replicas_converge_by_bytes() {
    for seed in 0..20 {
        let (_, replicas) = relayed(seed);
        assert!(replicas.iter().all(|replica| replica.state() == replicas[0].state()), "seed {seed}");
        assert!(replicas[0].state().0.len() > 30);
    }
}

#[test]
fn one_seed_gives_the_same_bytes_and_another_does_not() {
    assert_eq!(relayed(1).0, relayed(1).0);
    assert_ne!(relayed(1).0, relayed(2).0);
}

#[test]
fn a_joiner_is_served_in_pieces() {
    let mut here = replica(1);
    for frame in 0..1_600 {
        here.commit(format!("{frame} {}", "x".repeat(600)));
        here.settle().notices.clear();
        here.outbox();
    }
    // From a replica that got it all at once, and so has few signatures.
    let mut relay = replica(2);
    catch_up(&here, &mut relay);
    let limits = Limits::default().with_bytes(600 << 10);
    let mut parts = relay.since(&Version::new()).parts(&limits);
    assert!(parts.len() > 1);
    parts.reverse();
    let mut joiner = replica(3);
    for part in parts {
        let bytes = part.encode().unwrap();
        let codec = Postcard::new();
        joiner.merge(Delta::decode_signed(&bytes, &codec, &limits, &TestKeys).unwrap());
        assert_eq!(settle(&mut joiner), []);
    }
    assert_eq!(joiner.state(), here.state());
}

/// Row 15: at the edge, and by a replica that got a delta past it.
#[test]
fn a_forged_author_is_refused_at_the_edge_and_by_the_replica() {
    let forger = Replica::builder(peer(1), Log::<String>::default()).members([1, 2, 3, 4].map(peer));
    let forger = forger.codec(Postcard::new(), Limits::default());
    // It writes as peer 1 with the key of peer 3.
    let mut forger = forger.signer(TestKeys.signer(peer(3))).build();
    forger.commit("forged".into());
    let bytes = forger.outbox().unwrap().encode().unwrap();
    let error = read(&bytes).unwrap_err();
    assert!(matches!(error.refused(), Refused::Signature { author, seq: 0 } if author.peer == peer(1)));

    let mut here = replica(2);
    here.merge(Delta::decode(&bytes, &Postcard::new(), &Limits::default()).unwrap());
    let notice = ReplicaNotice::PeerMisbehaved { peer: peer(1), what: Misbehaviour::Signature };
    assert_eq!(settle(&mut here), [notice]);
    assert_eq!(here.state(), &Log(Vec::new()));
    assert_eq!(here.version(), &Version::new());
}

/// What came with one signature for several runs, of which the signed one still waits for what it depends on.
#[test]
fn a_replica_passes_on_nothing_that_it_cannot_prove() {
    let (mut first, mut second, mut relay, mut last) = (replica(1), replica(2), replica(3), replica(4));
    first.commit("1".into());
    second.commit("2".into());
    second.outbox();
    second.merge(first.outbox().unwrap());
    assert_eq!(settle(&mut second), []);
    second.commit("3".into());
    // Without the first replica's "1": the second's "2" comes without a signature, and "3", which has it, waits.
    let two = second.since(first.version());
    assert_eq!(two.len(), 2);
    relay.merge(read(&two.encode().unwrap()).unwrap());
    assert_eq!(settle(&mut relay), []);
    assert_eq!(relay.state().0.len(), 1);
    catch_up(&relay, &mut last);
    assert_eq!(settle(&mut last), []);
    // Then "1" comes, and all can be proved.
    catch_up(&second, &mut relay);
    assert_eq!(settle(&mut relay), []);
    catch_up(&relay, &mut last);
    assert_eq!(settle(&mut last), []);
    assert_eq!(last.state(), second.state());
}

/// Row 13: a copied replica.
#[test]
fn a_fork_is_kept_reported_and_proved() {
    let (mut left, mut right, mut other) = (replica(1), replica(1), replica(2));
    for word in ["same", "left"] {
        left.commit(word.into());
        left.outbox();
    }
    for word in ["same", "right"] {
        right.commit(word.into());
        right.outbox();
    }
    let all = |replica: &Words| replica.since(&Version::new()).encode().unwrap();
    other.merge(read(&all(&left)).unwrap());
    other.merge(read(&all(&right)).unwrap());
    let notices = settle(&mut other);
    let [ReplicaNotice::PeerMisbehaved { what: Misbehaviour::Fork { author, runs }, .. }] = notices[..]
    else {
        panic!("{notices:?}");
    };
    assert_eq!(other.state().0.len(), 3);

    let proof = ForkProof::find(&other.since(&Version::new())).unwrap();
    assert_eq!((proof.author(), proof.seq(), proof.runs()), (author, 1, runs));
    let elsewhere = ForkProof::decode(proof.encode(), &Limits::default()).unwrap();
    assert!(elsewhere.verify(&TestKeys));

    // Both branches and the version that names them travel.
    let mut late = replica(3);
    catch_up(&other, &mut late);
    assert_eq!(settle(&mut late).len(), 1);
    assert_eq!(late.state(), other.state());
    catch_up(&other, &mut late);
    assert!(other.since(late.version()).is_empty());
}

/// Row 23.
#[test]
fn a_newer_schema_waits_for_the_update() {
    type New = (String, u8);
    let new = || Postcard::<New>::migrating(1, |_, bytes| Ok((read_postcard(bytes)?, 0)));
    let read_new = |bytes: &[u8]| Delta::decode_signed(bytes, &new(), &Limits::default(), &TestKeys).unwrap();
    let (mut old, mut updated) = (replica(1), replica_of(2, new()));
    old.commit("old".into());
    updated.commit(("new".into(), 7));
    let from_updated = updated.outbox().unwrap().encode().unwrap();
    updated.merge(read_new(&old.outbox().unwrap().encode().unwrap()));
    assert_eq!(settle(&mut updated), []);

    old.merge(read(&from_updated).unwrap());
    assert_eq!(settle(&mut old), [ReplicaNotice::NeedsUpgrade { schema: 1 }]);
    assert_eq!(old.state(), &Log(vec![(1, "old".into())]));

    // It is updated: the same author, its own history again, from bytes. A third is served by it before and after.
    let kept = old.since(&Version::new()).encode().unwrap();
    let mut after = replica_of(3, new());
    after.merge(read_new(&kept));
    assert_eq!(settle(&mut after), []);
    assert_eq!(after.state(), updated.state());
    assert_eq!(after.state().0, [(1, ("old".to_owned(), 0)), (1, ("new".to_owned(), 7))]);
}

/// Writes what its readers do not read.
struct Broken;

impl Codec<String> for Broken {
    fn schema(&self) -> u32 {
        0
    }

    fn encode(&self, op: &String, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(op.as_bytes());
        Ok(())
    }

    fn decode(&self, _: u32, _: &[u8]) -> Result<String, DecodeError> {
        Ok(String::new())
    }
}

#[test]
fn what_no_codec_reads_is_left_out_and_its_author_reported() {
    let (mut broken, mut here, mut there) = (replica_of(1, Broken), replica(2), replica(3));
    broken.commit("\u{7f}".into());
    broken.commit("\u{1}a".into());
    let bytes = broken.outbox().unwrap().encode().unwrap();
    for replica in [&mut here, &mut there] {
        replica.merge(read(&bytes).unwrap());
        let what = Misbehaviour::Malformed;
        assert_eq!(settle(replica), [ReplicaNotice::PeerMisbehaved { peer: peer(1), what }]);
        assert_eq!(replica.state(), &Log(vec![(2, "a".into())]));
    }
}

#[test]
#[should_panic(expected = "the operation cannot be committed: an operation of 9 bytes, and the limit is 8")]
fn an_operation_beyond_the_limits_is_not_committed() {
    let builder = Replica::builder(peer(1), Log(Vec::new()));
    let mut replica = builder.codec(Postcard::<String>::new(), Limits::default().with_op_bytes(8)).build();
    replica.commit("1234567".into());
    replica.commit("12345678".into());
}

/// A frame of many large operations is several runs: each has room in a delta.
#[test]
fn a_large_frame_fits_in_pieces() {
    let (mut here, mut there) = (replica(1), replica(2));
    for _ in 0..40 {
        here.commit("x".repeat(1_000_000));
    }
    let delta = here.outbox().unwrap();
    assert!(delta.encode().unwrap().len() > Limits::default().bytes);
    for part in delta.parts(&Limits::default()) {
        there.merge(read(&part.encode().unwrap()).unwrap());
    }
    assert_eq!(settle(&mut there), []);
    assert_eq!(there.state().0.len(), 40);
}

#[test]
fn groups_with_other_members_do_not_mix() {
    let (mut here, mut there) = (replica(1), replica(2));
    let stranger = Replica::builder(peer(1), Log::<String>::default()).members([1, 2].map(peer));
    let stranger = stranger.codec(Postcard::new(), Limits::default()).signer(TestKeys.signer(peer(1)));
    let reader = Replica::builder(peer(1), Log::<String>::default()).members([1, 2, 3, 4].map(peer));
    let reader = reader.member(peer(3), Grant::Read).codec(Postcard::new(), Limits::default());
    for mut other in [stranger.build(), reader.signer(TestKeys.signer(peer(1))).build()] {
        other.commit("elsewhere".into());
        there.merge(read(&other.outbox().unwrap().encode().unwrap()).unwrap());
        settle(&mut there);
    }
    here.commit("here".into());
    there.merge(read(&here.outbox().unwrap().encode().unwrap()).unwrap());
    settle(&mut there);
    assert_eq!(there.state(), here.state());
}
