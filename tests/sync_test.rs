//! Applying a replica's operations again finds an `apply` that is not deterministic, and names the operation and the place.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
};

use control_panel::{Peer, Replica, Stamp, State, testing};

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

/// What a replica's state has and no operation gives: told apart from an `apply` that differs.
#[test]
fn a_start_that_is_not_the_replicas_is_found() {
    let mut replica = Replica::builder(PEERS[0], Sorted::default()).build();
    replica.commit(Op::Put(7));
    let other = || Sorted { values: BTreeMap::from([(1, 1)]), sums: Vec::new() };
    let found = testing::sync_test(&replica, other).unwrap_err();
    assert_eq!(found.operation, None);
    assert!(found.to_string().contains("is not what its operations give from the start: values["), "{found}");
}
