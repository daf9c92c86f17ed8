use std::{
    collections::HashSet,
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use control_panel::{
    Stamp, State,
    replica::{ReplicaBuilder, Undoable},
    testing::World,
};

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

/// Replicas that report each other do not leave it at that: the operation and the path are named too.
#[test]
fn a_report_of_other_states_names_the_operation_and_the_path() {
    let world = World { frames: 1_300, crashes: 0, ..World::default() };
    let digest = |tags: &Tags| tags.shown.iter().fold(7, |digest: u64, tag| digest.wrapping_mul(31) ^ tag);
    let message = failure(|| {
        world.assert_converges_with(
            Tags::default,
            |builder| builder.digest(digest),
            |rng, _, _| Some(rng.below(30)),
        );
    });
    assert!(
        message.contains(" reports that the state of ") && message.contains("; they agreed at 0: "),
        "{message}"
    );
    assert!(message.contains("`apply` is not deterministic: two folds differ from "), "{message}");
    assert!(message.contains(" on: shown[") && !message.contains('\n'), "{message}");
}

/// Of a program that counts one more from the hundredth operation on.
#[derive(Clone)]
struct Programmed {
    is_wrong: bool,
    points: Vec<u64>,
}

#[expect(clippy::missing_fields_in_debug, reason = "the program is none of the state")]
impl fmt::Debug for Programmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Programmed").field("points", &self.points).finish()
    }
}

impl PartialEq for Programmed {
    fn eq(&self, other: &Self) -> bool {
        self.points == other.points
    }
}

impl State for Programmed {
    type Op = usize;

    fn apply(&mut self, at: &usize, stamp: &Stamp) {
        self.points[*at] += if self.is_wrong && stamp.lamport >= 100 { 2 } else { 1 };
    }
}

/// Another program on one replica: what both make of the operations since they agreed is compared, and names the first.
#[test]
fn a_report_of_another_program_names_its_first_operation_and_the_path() {
    let made = AtomicUsize::new(0);
    let init = || Programmed { is_wrong: made.fetch_add(1, Ordering::Relaxed) == 1, points: vec![0; 5] };
    let world = World { frames: 1_300, crashes: 0, partitions: 0, ..World::default() };
    let digest = |state: &Programmed| state.points.iter().sum();
    let message = failure(|| {
        world.assert_converges_with(init, |builder| builder.digest(digest), |rng, _, _| Some(rng.index(5)));
    });
    let found = message.split_once(": the states differ from ").expect(&message).1;
    let lamport = found.split_once('@').expect(found).0.parse::<u64>().expect(found);
    assert!((100..103).contains(&lamport) && found.contains(" on: points["), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

/// Its undo forgets one of two fields.
#[derive(Clone, Debug, Default, PartialEq)]
struct Board {
    points: Vec<u64>,
    total: u64,
}

impl State for Board {
    type Op = u64;

    fn apply(&mut self, points: &u64, _: &Stamp) {
        self.points.push(*points);
        self.total += points;
    }
}

impl Undoable for Board {
    type Undo = ();

    fn apply_undoable(&mut self, points: &u64, stamp: &Stamp) {
        self.apply(points, stamp);
    }

    fn undo(&mut self, _: &u64, (): ()) {
        self.points.pop();
    }
}

#[test]
fn a_wrong_undo_is_named_with_the_path_and_the_operation_there() {
    let message = failure(|| {
        World::default().assert_converges_with(Board::default, ReplicaBuilder::undoing, |rng, _, _| {
            rng.chance(30).then(|| 100 + rng.below(9))
        });
    });
    assert!(message.starts_with("replicas do not converge: the state of "), "{message}");
    assert!(
        message.contains(" is not the fold of its ") && message.contains(" operations: total: "),
        "{message}"
    );
    assert!(
        message.contains(" in the fold, where ") && message.contains(" changed it last; again: "),
        "{message}"
    );
    // The operation that is named has its place and its value.
    let (_, named) = message.split_once(" in the fold, where ").expect("an operation");
    let (place, _) = named.split_once(" changed it last").expect("its words");
    let (stamp, points) = place.rsplit_once(' ').expect("its value");
    assert!(stamp.contains('@') && points.starts_with("10"), "{place}");
}

/// A failure's world is code, and fails alike.
#[test]
fn a_failure_is_run_again_by_one_line() {
    macro_rules! world {
        ($($code:tt)*) => { ($($code)*, stringify!($($code)*)) };
    }
    let (world, code) = world!(World {
        seed: 23,
        peers: 4,
        frames: 80,
        delay: 6,
        duplicates: 11,
        loss: 12,
        partitions: 2,
        crashes: 3,
        stalls: 2,
        revocations: 4,
        retire: true,
        equivocate: false,
        forge: true,
        poison: false,
        cuts: 1,
        joins: 1,
        readers: 1,
        crowd: 2
    });
    let fails = |world: &World| {
        failure(|| {
            world.assert_converges(Tags::default, |rng, _, _| rng.chance(50).then(|| rng.below(1_000)));
        })
    };
    let (message, again) = (fails(&world), fails(&world));
    let (_, printed) = message.rsplit_once("; again: ").expect("a world");
    let plain = |code: &str| code.split_whitespace().collect::<String>();
    assert_eq!(plain(printed), plain(code));
    assert!(again.ends_with(printed), "{again}");
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

/// Each fault that is asked for and does not happen is a failure by its name, and none by another's.
#[test]
fn each_fault_that_never_happened_is_named() {
    let calm = World {
        peers: 4,
        frames: 0,
        delay: 1,
        duplicates: 0,
        loss: 0,
        partitions: 0,
        crashes: 0,
        ..World::default()
    };
    let faults = [
        (World { delay: 9, ..calm.clone() }, "no message was delayed"),
        (World { duplicates: 50, ..calm.clone() }, "no message came twice"),
        (World { loss: 50, ..calm.clone() }, "no message was lost"),
        (World { partitions: 3, ..calm.clone() }, "no partition stopped a message"),
        (World { crashes: 3, ..calm.clone() }, "no replica crashed"),
        (World { stalls: 3, ..calm.clone() }, "no reader stalled"),
        (World { revocations: 50, ..calm.clone() }, "nothing was taken back"),
        (World { retire: true, ..calm.clone() }, "no operation of the retired member was void"),
        (World { equivocate: true, ..calm.clone() }, "no author gave one number twice"),
        (World { forge: true, ..calm.clone() }, "nothing forged was refused; no session was broken into"),
        (World { poison: true, ..calm.clone() }, "no operation panicked"),
        (World { cuts: 3, ..calm.clone() }, "no replica let history go"),
        (World { crowd: 3, ..calm.clone() }, "no member of the crowd edited"),
        (World { joins: 2, readers: 1, ..calm.clone() }, "nothing that a reader committed was void"),
    ];
    for (world, missing) in faults {
        let message = failure(|| world.assert_converges(Sum::default, |_, _, _| None));
        let plain = "the run shows nothing: no operations were concurrent; no operation came late, so nothing was rolled back";
        assert_eq!(message, format!("{plain}; {missing}; again: {world}"));
    }
    // One that joins does so in the quiet ending at the latest.
    let report = World { joins: 1, ..calm }.run(Sum::default, |builder| builder, |_, _, _| None);
    assert_eq!(report.joined, 1);
}

#[test]
#[should_panic(expected = "of 1 that join, 2 only read")]
fn those_that_read_are_among_those_that_join() {
    World { joins: 1, readers: 2, ..World::default() }.assert_converges(Sum::default, |_, _, _| Some(1));
}

#[test]
#[should_panic(expected = "a world has 2 to 100 peers, not 1")]
fn a_world_of_one_is_none() {
    World { peers: 1, ..World::default() }.assert_converges(Sum::default, |_, _, _| Some(1));
}
