//! Row 24: the same operations, another state.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU32, Ordering},
};

use super::forger::peer;
use crate::replica::{
    DesyncReport, Misbehaviour, Peer, Replica, ReplicaNotice, Stamp, State,
    run::{Digest, Operation},
};

/// A counter that one of its versions counts differently from some time on.
#[derive(Clone, PartialEq)]
struct Count {
    sum: u64,
    wrong_from: u64,
}

#[expect(clippy::missing_fields_in_debug, reason = "the version is none of the state")]
impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Count").field("sum", &self.sum).finish()
    }
}

impl State for Count {
    type Op = u64;

    fn apply(&mut self, add: &u64, stamp: &Stamp) {
        self.sum += add + u64::from(stamp.lamport >= self.wrong_from);
    }
}

fn replica(number: u8, wrong_from: u64) -> Replica<Count> {
    Replica::builder(peer(number), Count { sum: 0, wrong_from })
        .members([1, 2].map(peer))
        .digest(|count| {
            let mut hasher = DefaultHasher::new();
            count.sum.hash(&mut hasher);
            hasher.finish()
        })
        .build()
}

fn run(wrong_from: u64) -> Found {
    exchange(&mut [replica(1, u64::MAX), replica(2, wrong_from)]).0
}

/// The replica that it is about, up to where, where they still agreed, and the first and the last operation between.
type Found = Vec<(Peer, u64, u64, Option<[Stamp; 2]>)>;

/// What is found, and what is reported of peers.
fn exchange(group: &mut [Replica<Count>; 2]) -> (Found, Vec<(Peer, Misbehaviour)>) {
    let (mut found, mut reported) = (Vec::new(), Vec::new());
    for frame in 0..6000 {
        group[frame % 2].commit(1);
        for from in 0..2 {
            if let Some(delta) = group[from].outbox() {
                group[1 - from].merge(delta);
            }
        }
        for member in &mut *group {
            for notice in member.settle().notices {
                match notice {
                    ReplicaNotice::Desync { peer, at, agreed, ops, ours, theirs } => {
                        assert_ne!(ours, theirs);
                        found.push((peer, at, agreed, ops));
                    }
                    ReplicaNotice::PeerMisbehaved { peer, what } => reported.push((peer, what)),
                    _ => {}
                }
            }
        }
    }
    found.sort_unstable();
    (found, reported)
}

#[test]
fn equal_states_are_not_reported() {
    assert_eq!(run(u64::MAX), []);
}

#[test]
fn a_state_that_differs_is_reported_once_on_each_side_with_where() {
    let found = run(1500);
    assert_eq!(found.len(), 2, "{found:?}");
    for (side, (named, at, agreed, _)) in found.into_iter().enumerate() {
        assert_eq!(named, [peer(1), peer(2)][side]);
        assert!(at >= 1500 && agreed < 1500, "{at} {agreed}");
    }
}

/// Each lists what it makes of the window: the first line that differs is the operation's.
#[test]
fn two_lists_of_the_window_name_the_operation() {
    let mut group = [replica(1, u64::MAX), replica(2, 1500)];
    let (found, _) = exchange(&mut group);
    let [(_, at, agreed, ops), other] = found[..] else { panic!("{found:?}") };
    assert_eq!((at, agreed, ops), (other.1, other.2, other.3), "the same window on both sides");
    let lists = group.each_ref().map(|member| {
        let mut list = Vec::new();
        member.refold(agreed, at, |stamp, _, count| list.push((*stamp, count.sum)));
        list
    });
    for list in &lists {
        let ends = [list[0].0, list[list.len() - 1].0];
        assert_eq!(ops, Some(ends), "the whole window, and no more");
    }
    let first = lists[0].iter().zip(&lists[1]).find(|(one, two)| one != two);
    let ((stamp, ours), (_, theirs)) = first.expect("a line that differs");
    let wrong = lists[0].iter().find(|(stamp, _)| stamp.lamport >= 1500).expect("an operation");
    assert_eq!(*stamp, wrong.0);
    let sides = group.each_ref().map(|member| member.refolded(agreed, at));
    let report = DesyncReport::between(&sides[0], &sides[1]).expect("they differ");
    assert_eq!(report.operation, Some((*stamp, "1".to_owned())));
    let difference = report.difference.as_ref().expect("in the state");
    assert_eq!(
        (&difference.path[..], &difference.left, &difference.right),
        ("sum", &ours.to_string(), &theirs.to_string())
    );
    assert_eq!(report.to_string(), format!("the states differ from {stamp} 1 on: sum: {ours} != {theirs}"));
    assert_eq!(DesyncReport::between(&sides[0], &sides[0]), None);
    // What is not stable, or was let go, is in no list.
    let mut rest = 0;
    group[0].refold(group[0].watermark(), u64::MAX, |_, _, _| rest += 1);
    assert_eq!(rest, 0);
}

/// One side begins later than the other, as a cut let go what was before, or has another operation.
#[test]
fn windows_that_are_not_the_same_are_compared_where_both_show_something() {
    let side = |adds: &[u64], wrong_from| {
        let mut member = Replica::new(peer(1), [peer(1)], Count { sum: 0, wrong_from });
        for add in adds {
            member.commit(*add);
            let _ = (member.outbox(), member.settle());
        }
        member
    };
    let here = side(&[1, 2, 3, 4], u64::MAX);
    let compare = |there: &Replica<Count>, after: [u64; 2]| {
        let report = DesyncReport::between(&here.refolded(after[0], 9), &there.refolded(after[1], 9));
        report.map(|report| report.to_string())
    };
    let differs = side(&[1, 2, 3, 4], 3);
    let found = Some("the states differ from 3@0101010101010101.0#2 3 on: sum: 6 != 7".to_owned());
    for after in [[0, 0], [1, 0], [0, 1], [2, 1], [1, 2]] {
        assert_eq!(compare(&differs, after), found, "{after:?}");
    }
    let before = "the states differ before the first operation that both sides show: sum: 6 != 7".to_owned();
    assert_eq!([[3, 0], [0, 3]].map(|after| compare(&differs, after)), [Some(before.clone()), Some(before)]);
    let longer = side(&[1, 2, 3, 4, 5], u64::MAX);
    assert_eq!((compare(&longer, [0, 0]), compare(&longer, [4, 0])), (None, None));
    let other = compare(&side(&[1, 9, 3], u64::MAX), [0, 0]).expect("another operation");
    assert!(
        other.starts_with("2@0101010101010101.0#1 2 is applied on one side, and not on the other"),
        "{other}"
    );
}

/// A digest of a state that is never reached: what it says later is compared all the same.
#[test]
fn a_digest_from_the_future_is_reported_and_hides_nothing() {
    for ahead in [0, 1, u64::MAX] {
        let mut group = [replica(1, u64::MAX), replica(2, 1500)];
        group[1].commit(1);
        let level = group[1].clock().saturating_add(1).saturating_add(ahead);
        group[1].act(Operation::Ack { digest: Some(Digest { level, digest: 0 }) });
        let (found, reported) = exchange(&mut group);
        assert_eq!(reported, [(peer(2), Misbehaviour::Clock)], "{ahead}");
        assert_eq!(found.len(), 2, "{ahead}: {found:?}");
    }
}

static CALLS: AtomicU32 = AtomicU32::new(0);

#[test]
fn a_digest_function_that_panics_is_called_once_a_level_and_reported_once() {
    let mut alone = Replica::builder(peer(1), Count { sum: 0, wrong_from: u64::MAX })
        .digest(|count| {
            CALLS.fetch_add(1, Ordering::Relaxed);
            panic!("no digest of {}", count.sum)
        })
        .build();
    let mut found = Vec::new();
    for _ in 0..3000 {
        alone.commit(1);
        let _ = alone.outbox();
        found.extend(alone.settle().notices);
    }
    assert_eq!(CALLS.load(Ordering::Relaxed), 2, "at 1024 and 2048");
    let panicked = |notice: &ReplicaNotice| matches!(notice, ReplicaNotice::DigestPanicked { at: 1024, message } if message.starts_with("no digest of"));
    assert!(found.len() == 1 && panicked(&found[0]), "{found:?}");
    assert_eq!(alone.state().sum, 3000);
}
