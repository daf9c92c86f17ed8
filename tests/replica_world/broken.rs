use std::collections::HashSet;

use control_panel::{Stamp, State, testing::World};

use crate::failure;

/// Its order is a `HashSet`'s, which each replica has for itself.
#[derive(Clone, Debug, Default, PartialEq)]
struct Tags {
    known: HashSet<u64>,
    shown: Vec<u64>,
}

impl State for Tags {
    type Op = u64;

    fn apply(&mut self, tag: &u64, _: &Stamp) {
        self.known.insert(*tag);
        self.shown = self.known.iter().copied().collect();
    }
}

#[test]
fn a_state_of_hash_map_order_is_named_with_the_operation_and_the_path() {
    let world = World { seed: 17, ..World::default() };
    let message = failure(|| {
        world.assert_converges(Tags::default, |rng, _, _| rng.chance(50).then(|| rng.below(1_000)));
    });
    assert!(
        message.starts_with("replicas do not converge: `apply` is not deterministic: two folds differ from "),
        "{message}"
    );
    assert!(
        message.contains(": shown[") && message.contains("(the same items in another order)"),
        "{message}"
    );
    let again = "again: World { seed: 17, peers: 3, frames: 100, delay: 5, duplicates: 10, loss: 10, partitions: 1, crashes: 1";
    assert!(message.contains(again) && !message.contains('\n'), "{message}");
}

/// Its first item is another on each replica.
#[derive(Clone, Debug, Default, PartialEq)]
struct First {
    known: HashSet<u64>,
    first: Option<u64>,
}

impl State for First {
    type Op = u64;

    fn apply(&mut self, tag: &u64, _: &Stamp) {
        self.known.insert(*tag);
        self.first = self.known.iter().next().copied();
    }
}

#[test]
fn one_item_in_hash_map_order_is_named() {
    let message = failure(|| {
        World::default()
            .assert_converges(First::default, |rng, _, _| rng.chance(50).then(|| rng.below(1_000)));
    });
    assert!(message.contains(": first: ") || message.contains(": first"), "{message}");
    assert!(
        message.contains("; two clones do not differ: the HashMap order of states made anew?"),
        "{message}"
    );
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Sum(u64);

impl State for Sum {
    type Op = u64;

    fn apply(&mut self, op: &u64, _: &Stamp) {
        self.0 += op;
    }
}

/// A run that cannot find anything is a failure.
#[test]
fn a_run_that_shows_nothing_says_what_did_not_happen() {
    let calm = World { delay: 1, duplicates: 0, loss: 0, partitions: 0, crashes: 0, ..World::default() };
    let message = failure(|| calm.assert_converges(Sum::default, |_, _, _| None));
    assert!(
        message.starts_with("the run shows nothing: no operations were concurrent; no operation came late"),
        "{message}"
    );
    let message = failure(|| calm.assert_converges(Sum::default, |_, peer, _| (peer == 0).then_some(1)));
    assert!(message.contains("no operations were concurrent"), "one author alone: {message}");

    let short = World { frames: 3, loss: 1, ..World::default() };
    let message = failure(|| short.assert_converges(Sum::default, |_, _, _| Some(1)));
    assert!(message.contains("no message was lost") && message.contains("frames: 3"), "{message}");
}

#[test]
#[should_panic(expected = "a world has 2 to 100 peers, not 1")]
fn a_world_of_one_is_none() {
    World { peers: 1, ..World::default() }.assert_converges(Sum::default, |_, _, _| Some(1));
}
