//! What does not fit is asked for again, and no one asks in a loop.

use std::time::Duration;

use super::{
    super::{Breach, End, Event, Extent, Message},
    group::{Group, builder},
};
use crate::replica::Version;

const SECOND: Duration = Duration::from_secs(1);

/// A delta arrives at node 1's edge, and does not reach its replica: but it is said to be taken.
fn lose(group: &mut Group) {
    group.nodes[0].replica.commit("lost".into());
    group.frame(0, 0);
    group.flush(0);
    assert!(group.send(0, 0));
    group.deliver(0, 0, usize::MAX);
    let (_, number, _) = group.nodes[1].queue.pop_back().unwrap();
    let version = group.nodes[1].disk.replica.version().clone();
    group.side(1).session_mut().took(number, &version);
}

#[test]
fn a_delta_that_was_lost_behind_the_edge_is_asked_for_again() {
    let mut group = Group::pair();
    lose(&mut group);
    group.now += 2 * SECOND;
    group.rest();
    assert_eq!(group.links[0].wants, [0, 1]);
    group.assert_equal();
}

/// Its sender believes that it was taken. A new session does not.
#[test]
fn a_delta_that_was_lost_with_its_worker_comes_with_the_next_session() {
    let mut group = Group::pair();
    group.nodes[0].replica.commit("lost".into());
    group.frame(0, 0);
    group.flush(0);
    assert!(group.send(0, 0));
    group.deliver(0, 0, usize::MAX);
    assert_eq!(group.nodes[1].queue.len(), 1);
    group.disconnect(0);
    assert!(group.nodes[1].queue.is_empty());
    group.connect(0);
    group.rest();
    assert_eq!(group.links[0].wants, [0, 0]);
    group.assert_equal();
}

/// It is never admitted: asked for after 1, 2, 4 … 60 s, which no bucket is charged too much for.
#[test]
fn what_never_fits_is_asked_for_more_and_more_seldom() {
    let mut group = Group::pair();
    lose(&mut group);
    let (start, mut asked) = (group.since(0), Vec::new());
    while group.since(0) < start + 400 * SECOND {
        group.now += SECOND / 2;
        let before = group.links[0].wants[1];
        while group.send(0, 1) {}
        if group.links[0].wants[1] > before {
            asked.push(group.since(0).saturating_sub(start).as_secs());
        }
        group.deliver(0, 1, usize::MAX);
        while group.send(0, 0) {}
        group.deliver(0, 0, usize::MAX);
        // It is dropped each time.
        while let Some((_, number, _)) = group.nodes[1].queue.pop_front() {
            let version = group.nodes[1].disk.replica.version().clone();
            group.side(1).session_mut().took(number, &version);
        }
        group.tick();
    }
    assert!((8..=12).contains(&asked.len()), "{asked:?}");
    let pauses: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.is_sorted() && pauses.ends_with(&[60, 60, 60]), "{pauses:?}");
    assert_eq!(group.side(0).session().breaches().total(), 0);
}

#[test]
fn requests_in_a_loop_are_ignored_and_reported_once() {
    let mut group = Group::pair();
    let have = group.nodes[0].disk.replica.version().clone();
    let mut reported = Vec::new();
    for _ in 0..30 {
        reported
            .extend(group.inject(&Message::Want(have.clone())).unwrap().map(|event| format!("{event:?}")));
        group.send(0, 1);
    }
    assert_eq!(reported, ["Misbehaved(Requests)"]);
    assert_eq!(group.side(1).session().breaches().of(Breach::Requests), 22);
    // One a second.
    group.now += 3 * SECOND;
    for _ in 0..10 {
        group.inject(&Message::Want(have.clone())).unwrap();
    }
    assert_eq!(group.side(1).session().breaches().of(Breach::Requests), 29);
    group.rest();
}

/// A want is not lost: what was said last counts once the peer may ask again.
#[test]
fn what_a_peer_lacks_beyond_its_requests_comes_later() {
    let mut group = Group::pair();
    group.nodes[1].replica.commit("word".into());
    group.frame(1, 0);
    group.flush(1);
    group.rest();
    // It has the word, and says that it has not.
    let lacks = Message::Want(Version::new());
    for _ in 0..30 {
        group.inject(&Message::Request([9; 32])).unwrap();
    }
    while group.send(0, 1) {}
    group.inject(&lacks).unwrap();
    let at = group.since(0);
    assert!(!group.send(0, 1) && !group.side(1).session().is_caught_up());
    let deadline = group.side(1).deadline().unwrap();
    assert!(deadline > at && deadline <= at + SECOND, "{deadline:?} at {at:?}");
    group.now += deadline.saturating_sub(at);
    let before = group.side(1).session().status().sent;
    group.links[0].wants[0] += 1;
    assert!(group.send(0, 1), "it comes again");
    assert_eq!(group.side(1).session().status().sent, before + 1);
    group.rest();
}

#[test]
fn a_request_with_progress_is_free() {
    let mut group = Group::pair();
    for count in 100..150 {
        let author = group.nodes[0].replica.author();
        let want = Message::Want(Version::from_iter([(author, count)]));
        assert!(matches!(group.inject(&want), Ok(None)));
    }
    assert_eq!(group.side(1).session().breaches().total(), 0);
}

/// What cannot be read is dropped, credited, reported once, and ends it where it goes on.
#[test]
fn a_delta_that_cannot_be_read_is_counted() {
    let mut group = Group::pair();
    let mut events = Vec::new();
    for count in 1..=9 {
        let received = group.inject(&Message::Delta(vec![9; 20])).unwrap();
        let Some(Event::Delta { number, .. }) = received else { panic!("{received:?}") };
        let now = group.since(0);
        let refused = group.side(1).session_mut().refuse(number, Breach::Signature, now);
        let status = group.side(1).session().status();
        assert_eq!((status.in_hand, status.received), (0, status.taken_here));
        match refused {
            Ok(event) => events.extend(event.map(|event| format!("{event:?}"))),
            Err(end) => assert_eq!((count, end), (9, End::Misbehaved(Breach::Signature))),
        }
    }
    assert_eq!(events, ["Misbehaved(Signature)"]);
    assert!(group.side(1).session().is_over());
    assert_eq!(group.side(1).session().breaches().of(Breach::Signature), 9);
}

/// Of those before it that are not durable yet, none counts as taken by that.
#[test]
fn a_refused_delta_takes_none_before_it() {
    let mut group = Group::pair();
    group.nodes[0].replica.commit("good".into());
    group.frame(0, 0);
    group.flush(0);
    assert!(group.send(0, 0));
    group.deliver(0, 0, usize::MAX);
    let taken = group.side(1).session().status().taken_here;
    let Some(Event::Delta { number, .. }) = group.inject(&Message::Delta(vec![9; 20])).unwrap() else {
        panic!()
    };
    let now = group.since(0);
    group.side(1).session_mut().refuse(number, Breach::Delta, now).unwrap();
    assert_eq!(group.side(1).session().status().taken_here, taken);
    let version = group.nodes[1].disk.replica.version().clone();
    group.side(1).session_mut().took(number - 1, &version);
    assert_eq!(group.side(1).session().status().taken_here, number);
}

/// A run from a third peer is not sent to the one that has it.
#[test]
fn what_the_other_sent_is_not_sent_back() {
    let mut group = Group::new(3);
    (0..3).for_each(|link| group.connect(link));
    group.rest();
    let sent = |group: &Group| {
        group.links.iter().flat_map(|link| &link.runs).map(std::collections::BTreeSet::len).sum::<usize>()
    };
    let before = sent(&group);
    group.nodes[0].replica.commit("one".into());
    group.frame(0, 0);
    group.flush(0);
    for link in 0..2 {
        assert!(group.send(link, 0));
        group.deliver(link, 0, usize::MAX);
    }
    // Both have it, and each from the same.
    for node in 1..3 {
        group.frame(node, 1);
        group.flush(node);
        let back = group.links[..2].iter().position(|link| link.ends[1] == node).unwrap();
        while group.send(back, 1) {}
    }
    let ours = Extent::of(&group.nodes[0].disk.replica.since(&Version::new()));
    assert!(ours.is_in(group.nodes[1].disk.replica.version()));
    group.rest();
    // Each run at most once over each of three links: never back and forth.
    let runs = group.nodes[0].disk.replica.since(&Version::new()).runs.len();
    assert!(sent(&group) - before <= 3 * runs, "{} of {runs}", sent(&group) - before);
    for link in &group.links {
        assert!(link.runs[0].is_disjoint(&link.runs[1]) || link.ends == [1, 2], "{:?}", link.ends);
    }
}

/// What is in flight when the other asks anew is on its way all the same.
#[test]
fn what_is_in_flight_is_not_sent_again() {
    let mut group = Group::pair();
    let have = group.nodes[0].disk.version().clone();
    for _ in 0..3 {
        group.nodes[1].replica.commit("v".repeat(50_000));
        group.frame(1, 0);
    }
    group.flush(1);
    while group.send(0, 1) {}
    let sent = group.side(1).session().status().sent;
    group.inject(&Message::Want(have)).unwrap();
    assert!(!group.send(0, 1));
    assert_eq!(group.side(1).session().status().sent, sent);
}

#[test]
fn without_news_the_store_is_not_asked() {
    let mut group = Group::pair();
    let asked = group.nodes[0].disk.asked;
    for _ in 0..10 {
        group.side(0).session_mut().news();
        assert!(!group.send(0, 0));
    }
    assert_eq!(group.nodes[0].disk.asked, asked);
}

/// Two branches of one author, of which each side has one: no run is sent twice, whatever comes later.
#[test]
fn a_branch_is_sent_once() {
    let mut group = Group::new(3);
    group.forks = true;
    for (node, words) in [(0, 1), (1, 2)] {
        let mut forked = builder(3, 2, 0).build();
        for word in 0..words {
            forked.commit(format!("{node} {word}"));
            let _ = (forked.settle(), forked.outbox());
        }
        group.nodes[node].replica.merge(forked.since(&Version::new()));
        group.frame(node, 0);
        group.flush(node);
    }
    group.connect(0);
    group.rest();
    // What builds on a branch may come before it: then it is asked for.
    group.links[0].wants = [0, 0];
    for word in 0..5 {
        for node in 0..2 {
            group.nodes[node].replica.commit(format!("{word}"));
        }
        group.rest();
    }
    assert_eq!(group.nodes[0].replica.version(), group.nodes[1].replica.version());
    assert_eq!(group.nodes[0].replica.state(), group.nodes[1].replica.state());
    assert_eq!(group.links[0].wants, [0, 0]);
}
