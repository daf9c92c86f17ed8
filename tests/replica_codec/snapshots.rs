//! Snapshots of replicas in the middle of their work, as bytes: what they give is proved, whatever they had when they were asked.

use control_panel::{
    Delta, Peer, Replica, Stamp, State, Version,
    replica::{
        Grant, ReplicaBuilder, ReplicaNotice, Snapshot,
        codec::{DecodeError, Limits, Postcard},
    },
    testing::{Rng, TestKeys},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Words(Vec<(Stamp, String)>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, word: &String, stamp: &Stamp) {
        self.0.push((*stamp, word.clone()));
    }
}

fn peer(number: u8) -> Peer {
    Peer([number; 32])
}

/// The first four begin the group.
fn builder(number: u8) -> ReplicaBuilder<Words> {
    let builder = Replica::builder(peer(number), Words::default()).members([1, 2, 3, 4].map(peer));
    builder.codec(Postcard::new(), Limits::default()).signer(TestKeys.signer(peer(number))).verifier(TestKeys)
}

fn merge(replica: &mut Replica<Words>, bytes: &[u8]) {
    replica.merge(Delta::decode_signed(bytes, &Postcard::new(), &Limits::default(), &TestKeys).unwrap());
    let notices = replica.settle().notices;
    let member = |notice: &ReplicaNotice| {
        matches!(notice, ReplicaNotice::Invited { .. } | ReplicaNotice::Retired { .. })
    };
    assert!(notices.iter().all(member), "{notices:?}");
}

/// All hear all.
fn hear(group: &mut [&mut Replica<Words>]) {
    for from in 0..group.len() {
        let _ = group[from].outbox();
        for to in 0..group.len() {
            let bytes = group[from].since(group[to].version()).encode().unwrap();
            merge(group[to], &bytes);
        }
    }
}

/// What a replica gives, as a joiner gets it.
fn given(giver: &mut Replica<Words>) -> Result<Snapshot<Words>, DecodeError> {
    let bytes = giver.snapshot().unwrap().encode().unwrap();
    Snapshot::decode_signed(&bytes, &Postcard::new(), &Limits::default(), &TestKeys)
}

/// One signature came for several runs, with the last of them, which still waits for what it depends on.
#[test]
fn what_a_waiting_run_signs_is_given_with_that() {
    let [mut first, mut second, mut giver] = [1, 2, 3].map(|number| builder(number).build());
    first.commit("1".into());
    second.commit("2".into());
    second.outbox();
    merge(&mut second, &first.outbox().unwrap().encode().unwrap());
    second.commit("3".into());
    // Without "1": "2" comes without a signature, and "3", which has it, waits.
    let two = second.since(first.version());
    assert_eq!(two.len(), 2);
    merge(&mut giver, &two.encode().unwrap());
    assert_eq!(giver.state().0.len(), 1);

    let mut joiner = builder(4).join(given(&mut giver).unwrap()).unwrap();
    let _ = joiner.settle();
    assert_eq!(joiner.state(), giver.state());
    // "3" waits there too.
    merge(&mut joiner, &first.since(&Version::new()).encode().unwrap());
    assert_eq!(joiner.state(), second.state());
}

/// A member that was away, and has a run that it cannot prove, blames no one for that.
#[test]
fn one_that_goes_on_from_a_snapshot_offers_again_what_it_can_prove() {
    let [mut first, mut second, mut third, mut away] = [1, 2, 3, 4].map(|number| builder(number).build());
    first.commit("1".into());
    second.commit("2".into());
    second.outbox();
    merge(&mut second, &first.outbox().unwrap().encode().unwrap());
    second.commit("3".into());
    merge(&mut away, &second.since(first.version()).encode().unwrap());
    away.commit("4".into());
    for act in 0..3 {
        match act {
            0 => first.retire(peer(4)).map(|_| ()).unwrap(),
            1 => first.cut().map(|_| ()).unwrap(),
            _ => first.invite(peer(4), Grant::Write).map(|_| ()).unwrap(),
        }
        for _ in 0..4 {
            hear(&mut [&mut first, &mut second, &mut third]);
        }
    }
    let snapshot = given(&mut first).unwrap();
    assert!(snapshot.level() > 0);
    away.rejoin(snapshot).unwrap();
    let notices = away.settle().notices;
    let blames = |notice: &ReplicaNotice| matches!(notice, ReplicaNotice::PeerMisbehaved { .. });
    assert!(!notices.iter().any(blames), "{notices:?}");
    let back = away.take_void();
    assert_eq!(back.iter().map(|(_, word)| word.as_str()).collect::<Vec<_>>(), ["4"]);
    assert_eq!(away.state(), first.state());
}

/// Runs that are not sealed, deltas for another's version, pieces that got lost.
#[test]
fn a_giver_in_the_middle_of_its_work_is_believed() {
    let (mut waiting, mut above) = (0, 0);
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let mut group = [1, 2, 3, 4].map(|number| builder(number).build());
        for step in 0..60 {
            let at = rng.index(4);
            for word in 0..rng.index(3) {
                group[at].commit(format!("{step}.{word}"));
                if rng.chance(50) {
                    group[at].outbox();
                }
            }
            if rng.chance(10) {
                let _ = group[at].cut();
            }
            if rng.chance(8) {
                // So that cuts become stable.
                hear(&mut group.each_mut());
            }
            let (from, to) = (at, (at + 1 + rng.index(3)) % 4);
            let of = if rng.chance(85) { (at + 1 + rng.index(3)) % 4 } else { to };
            let bytes = group[from].since(group[of].version()).encode().unwrap();
            merge(&mut group[to], &bytes);

            // Another member that lost its log is the joiner. What it makes goes nowhere.
            let (number, other) = (rng.index(4), 1 + rng.index(3));
            let giver = &mut group[number];
            let number = [1, 2, 3, 4][(number + other) % 4];
            let snapshot = given(giver).unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
            above += usize::from(snapshot.level() > 0 && !snapshot.is_empty());
            let kept = giver.since(&Version::new()).len();
            waiting += usize::from(snapshot.len() != kept);
            let mut joiner = builder(number).join(snapshot).unwrap();
            let _ = (joiner.settle(), giver.settle());
            assert_eq!(joiner.state(), giver.state(), "seed {seed}, step {step}");
            assert_eq!(joiner.version(), giver.version(), "seed {seed}, step {step}");
        }
    }
    assert!(
        waiting > 10 && above > 100,
        "{waiting} with runs that no run of theirs proves, {above} above a cut"
    );
}
