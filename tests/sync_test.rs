//! Applying a replica's operations again finds an `apply` that is not deterministic, and names the operation and the place.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
};

use control_panel::{Peer, Replica, Stamp, State, replica::ReplicaNotice, testing};

const PEERS: [Peer; 2] = [Peer([1; 32]), Peer([2; 32])];

/// Two replicas that edited concurrently and heard of each other: one of them rolled back.
fn merged<S: State>(init: impl Fn() -> S, ops: impl Fn(usize) -> S::Op) -> [Replica<S>; 2] {
    let [mut here, mut there] = PEERS.map(|peer| Replica::new(peer, PEERS, init()));
    for n in 0..16 {
        here.commit(ops(2 * n));
        there.commit(ops(2 * n + 1));
    }
    let (ours, theirs) = (here.outbox().unwrap(), there.outbox().unwrap());
    here.merge(theirs);
    there.merge(ours);
    let _ = (here.settle(), there.settle());
    [here, there]
}

#[derive(Clone, Debug)]
enum Op {
    Put(u64),
    Sum,
}

/// An even mix: every fourth operation sums up.
fn op(n: usize) -> Op {
    if n % 4 == 3 { Op::Sum } else { Op::Put(n as u64) }
}

#[derive(Clone, Debug, Default)]
struct Sorted {
    values: BTreeMap<u64, u64>,
    sums: Vec<Vec<u64>>,
}

impl State for Sorted {
    type Op = Op;

    fn apply(&mut self, op: &Op, stamp: &Stamp) {
        match op {
            Op::Put(value) => _ = self.values.insert(*value, stamp.lamport),
            Op::Sum => self.sums.push(self.values.keys().copied().collect()),
        }
    }
}

#[test]
fn a_deterministic_state_passes_on_the_replica_that_rolled_back_too() {
    for replica in merged(Sorted::default, op) {
        testing::sync_test(&replica, Sorted::default).unwrap();
    }
}

/// The same with a `HashMap`, of which one operation reads the order.
#[derive(Clone, Debug, Default)]
struct Hashed {
    values: HashMap<u64, u64>,
    sums: Vec<Vec<u64>>,
}

impl State for Hashed {
    type Op = Op;

    fn apply(&mut self, op: &Op, stamp: &Stamp) {
        match op {
            Op::Put(value) => _ = self.values.insert(*value, stamp.lamport),
            Op::Sum => self.sums.push(self.values.keys().copied().collect()),
        }
    }
}

#[test]
fn a_hash_maps_order_in_the_state_is_named_with_operation_and_path() {
    for replica in merged(Hashed::default, op) {
        let found = testing::sync_test(&replica, Hashed::default).unwrap_err();
        println!("{found}");
        let (stamp, op) = found.operation.clone().expect("an operation");
        assert_eq!(op, "Sum");
        assert!(found.difference.path.starts_with("sums["), "{found}");
        let message = found.to_string();
        assert!(message.contains(&format!("the operation {stamp}, `Sum`, applied again")), "{message}");
        assert_eq!(message, format!("{found:?}"), "`unwrap` says the same");
        assert!(!message.contains('\n'), "{message}");
    }
}

/// Holds a `HashMap` and never reads its order: that its `Debug` output is in another order each time is no difference.
#[derive(Clone, Debug, Default)]
struct Looked(HashMap<u64, u64>);

impl State for Looked {
    type Op = Op;

    fn apply(&mut self, op: &Op, stamp: &Stamp) {
        match op {
            Op::Put(value) => _ = self.0.insert(*value, stamp.lamport),
            Op::Sum => self.0.retain(|value, _| value % 3 != 0),
        }
    }
}

#[test]
fn a_hash_map_whose_order_is_not_read_passes() {
    for replica in merged(Looked::default, op) {
        testing::sync_test(&replica, Looked::default).unwrap();
    }
}

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// Counts its calls in a place outside, as one that reads a clock or draws a random number does.
#[derive(Clone, Debug, Default)]
struct Outside(Vec<(u64, u64)>);

impl State for Outside {
    type Op = Op;

    fn apply(&mut self, op: &Op, _: &Stamp) {
        if let Op::Put(value) = op {
            self.0.push((*value, CALLS.replace(CALLS.get() + 1)));
        }
    }
}

#[test]
fn what_is_read_outside_of_the_state_is_named_with_the_first_operation_that_did() {
    let mut replica = Replica::builder(PEERS[0], Outside::default()).build();
    replica.commit(Op::Sum);
    let first = replica.commit(Op::Put(7));
    replica.commit(Op::Put(8));
    let found = testing::sync_test(&replica, Outside::default).unwrap_err();
    assert_eq!(found.operation, Some((first, "Put(7)".to_owned())));
    assert_eq!(found.difference.path, "[0].1", "{found}");
}

/// What a replica's state has and no operation gives: kept apart from an `apply` that differs.
#[test]
fn a_start_that_is_not_the_replicas_is_found() {
    let mut replica = Replica::builder(PEERS[0], Sorted::default()).build();
    replica.commit(Op::Put(7));
    let other = || Sorted { values: BTreeMap::from([(1, 1)]), sums: Vec::new() };
    let found = testing::sync_test(&replica, other).unwrap_err();
    assert_eq!(found.operation, None);
    assert!(found.to_string().contains("is not what its operations give from the start: values["), "{found}");
}

/// What is not in the state yet, as its job is still to be run, is not missed in it.
#[test]
fn while_a_job_is_out_only_what_the_state_has_is_compared() {
    let [_, mut there] = merged(Sorted::default, op);
    (0..40).for_each(|n| _ = there.commit(op(n)));
    let mut late =
        Replica::builder(PEERS[0], Sorted::default()).members(PEERS).incarnation(1).redo_budget(8).build();
    late.commit(Op::Put(77));
    late.merge(there.since(late.version()));
    let settled = late.settle();
    late.commit(Op::Put(78));
    testing::sync_test(&late, Sorted::default).unwrap();
    let redone = settled.job.expect("more than the budget").run();
    assert!(late.finish(redone));
    while late.settle().merged > 0 {}
    testing::sync_test(&late, Sorted::default).unwrap();
    assert!(late.state().values.contains_key(&78));
}

/// Panics at one number.
#[derive(Clone, Debug, Default)]
struct Fragile(Vec<u64>);

impl State for Fragile {
    type Op = u64;

    fn apply(&mut self, value: &u64, _: &Stamp) {
        if *value == 13 {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        self.0.push(*value);
    }
}

#[test]
fn an_operation_that_panics_is_not_applied_by_the_test_either() {
    let mut replica = Replica::builder(PEERS[0], Fragile::default()).build();
    for value in [12, 13, 14] {
        replica.commit(value);
        testing::sync_test(&replica, Fragile::default).unwrap();
        let _ = replica.settle();
        testing::sync_test(&replica, Fragile::default).unwrap();
    }
    assert_eq!(replica.state().0, [12, 14]);
}

/// After a cut the state at the cut is where it begins.
#[test]
fn history_that_a_cut_ended_is_not_needed() {
    let mut replica = Replica::builder(PEERS[0], Sorted::default()).history(8).build();
    for n in 0..100 {
        replica.commit(op(n));
        let _ = (replica.outbox(), replica.settle());
    }
    replica.cut().unwrap();
    for n in 100..104 {
        replica.commit(op(n));
        let _ = (replica.outbox(), replica.settle());
    }
    testing::sync_test(&replica, || -> Sorted { unreachable!("the history is gone") }).unwrap();
}

/// Two programs that differ report each other by a digest, with the time up to which they agreed. Each looks at itself then: of the
/// one whose `apply` is at fault the operation and the place are named, and the operation is where the report said.
#[test]
fn a_reported_difference_leads_to_the_operation_and_the_path() {
    let digest = |hashed: &Hashed| {
        hashed.sums.iter().flatten().fold(7, |digest: u64, value| digest.wrapping_mul(31) ^ value)
    };
    let mut group =
        PEERS.map(|peer| Replica::builder(peer, Hashed::default()).members(PEERS).digest(digest).build());
    let (mut reported, mut n) = (None, 0_usize);
    while reported.is_none() {
        assert!(n < 6_000, "digests are compared");
        // Sums are rare, and none comes before the first comparison.
        let op = if n > 1_200 && n % 64 == 0 { Op::Sum } else { Op::Put(n as u64 % 16) };
        group[n % 2].commit(op);
        for from in 0..2 {
            if let Some(delta) = group[from].outbox() {
                group[1 - from].merge(delta);
            }
        }
        for member in &mut group {
            reported = reported.or(member.settle().notices.iter().find_map(|notice| match notice {
                ReplicaNotice::Desync { at, agreed, .. } => Some((*at, *agreed)),
                _ => None,
            }));
        }
        n += 1;
    }
    let (at, agreed) = reported.unwrap();
    let found = testing::sync_test(&group[0], Hashed::default).unwrap_err();
    let (stamp, op) = found.operation.as_ref().expect("an operation");
    assert!(op == "Sum" && agreed < stamp.lamport && stamp.lamport <= at, "{agreed}, {found}, {at}");
    assert!(agreed > 0, "they agreed at first");
    assert!(found.to_string().contains(": sums[0]["), "{found}");
}
