//! A peer whose history is gone elsewhere.

use std::time::Duration;

use super::{
    super::{Breach, End, Event, Message, Offer, Options, Reason, Waited, Wire, wire::FrameReader},
    disk::Disk,
    group::{Group, builder},
};
use crate::replica::Version;

const SECOND: Duration = Duration::from_secs(1);

/// The second of two lost all that it had, and the first has let go its history.
fn far_behind(words: usize) -> Group {
    let mut group = Group::pair();
    for number in 0..words {
        group.nodes[0].replica.commit(format!("{number}{}", "w".repeat(100)));
        group.frame(0, 0);
    }
    group.rest();
    group.nodes[0].replica.cut().unwrap();
    // Both acknowledge it, and each other's acknowledgement.
    for _ in 0..3 {
        group.rest();
        group.nodes[1].replica.commit("more".into());
    }
    group.rest();
    let first = &mut group.nodes[0];
    assert!(!first.replica.reaches(&Version::new()), "the history is gone");
    first.disk = Disk::new(builder(2, 0, 0).build());
    first.disk.replica.rejoin(first.replica.take_snapshot()).unwrap();
    group.disconnect(0);
    let lost = &mut group.nodes[1];
    (lost.replica, lost.disk) = (builder(2, 1, 1).build(), Disk::new(builder(2, 1, 1).build()));
    group.connect(0);
    group
}

/// Up to the offer, and the request for it.
fn request_snapshot(group: &mut Group) {
    // Hellos, and what each has.
    for _ in 0..2 {
        assert!(group.send(0, 0) && group.send(0, 1));
        (0..2).for_each(|side| group.deliver(0, side, usize::MAX));
    }
    assert!(!group.send(0, 0), "it lacks what is gone");
    group.offer(0, 0);
    assert!(group.send(0, 0));
    group.deliver(0, 0, usize::MAX);
    assert!(group.send(0, 1));
    group.deliver(0, 1, usize::MAX);
}

fn status(group: &mut Group, side: usize) -> super::super::Status {
    group.side(side).session().status()
}

#[test]
fn a_peer_far_behind_goes_on_from_a_snapshot() {
    let mut group = far_behind(9_000);
    group.rest();
    group.assert_equal();
    let chunks =
        group.links[0].last_events.iter().filter(|(side, event)| *side == 1 && event.contains("Chunk"));
    assert!(chunks.count() > 1, "in more than one");
    assert_eq!(group.links[0].wants, [0, 1], "and asked for the rest");
    group.nodes[1].replica.commit("again".into());
    group.nodes[0].replica.commit("too".into());
    group.rest();
    group.assert_equal();
}

/// A pair of which side 1 was offered this, and side 0 is played by the test.
fn offer(offer: Offer, options: Options) -> Group {
    let mut group = Group::new(2);
    group.options = options;
    group.connect(0);
    group.rest();
    let event = group.inject(&Message::Offer(offer)).unwrap();
    assert!(matches!(event, Some(Event::Offered(it)) if it == offer));
    group
}

fn offer_of(bytes: &[u8]) -> Offer {
    Offer { length: bytes.len() as u64, hash: *blake3::hash(bytes).as_bytes(), level: 1 }
}

fn request(group: &mut Group) {
    assert!(group.side(1).session_mut().request());
    assert!(group.send(0, 1));
}

/// One that is to be asked for has no deadline yet: no clock reaches it.
#[test]
fn a_request_waits_from_when_it_is_sent() {
    let mut group = offer(offer_of(&[7; 100]), Options::default());
    let before = group.side(1).session_mut().deadline();
    assert!(group.side(1).session_mut().request());
    assert_eq!(group.side(1).session_mut().deadline(), before);
    assert!(group.send(0, 1));
    let at = group.side(1).session_mut().deadline().unwrap();
    assert!(at <= group.now + Options::default().took, "{at:?}");
}

#[test]
fn one_beyond_the_quota_is_not_asked_for() {
    let options = Options { snapshot_bytes: 99, ..Options::default() };
    let mut group = offer(offer_of(&[7; 100]), options);
    assert!(!group.side(1).session_mut().request());
    assert!(!group.send(0, 1));
    let mut group = offer(offer_of(&[7; 99]), options);
    request(&mut group);
}

#[test]
fn its_length_and_hash_are_those_that_were_offered() {
    let bytes = [7; 100];
    let mut group = offer(offer_of(&bytes), Options::default());
    request(&mut group);
    let first = group.inject(&Message::Chunk(bytes[..60].to_vec())).unwrap();
    assert!(matches!(first, Some(Event::Chunk { last: false, .. })));
    let second = group.inject(&Message::Chunk(bytes[60..].to_vec())).unwrap();
    assert!(matches!(second, Some(Event::Chunk { last: true, .. })));
    for chunks in [[60, 41], [101, 0]] {
        let mut group = offer(offer_of(&bytes), Options::default());
        request(&mut group);
        let ends = chunks.map(|length| group.inject(&Message::Chunk(vec![7; length])).err());
        assert!(ends.contains(&Some(End::Misbehaved(Breach::Snapshot))), "{ends:?}");
    }
    let mut group = offer(offer_of(&bytes), Options::default());
    request(&mut group);
    let end = group.inject(&Message::Chunk(vec![8; 100])).unwrap_err();
    assert_eq!(end, End::Misbehaved(Breach::Snapshot));
}

#[test]
fn what_was_not_asked_for_is_refused() {
    let mut group = Group::pair();
    assert_eq!(group.inject(&Message::Chunk(vec![1])).unwrap_err(), End::Misbehaved(Breach::Order));
    let mut group = offer(offer_of(&[7; 100]), Options::default());
    assert_eq!(group.inject(&Message::Chunk(vec![7; 100])).unwrap_err(), End::Misbehaved(Breach::Order));
    let mut group = offer(offer_of(&[7; 100]), Options::default());
    request(&mut group);
    group.inject(&Message::Chunk(vec![7; 10])).unwrap();
    let end = group.inject(&Message::Offer(offer_of(&[1]))).unwrap_err();
    assert_eq!(end, End::Misbehaved(Breach::Order));
}

#[test]
fn one_that_comes_too_slowly_stalls() {
    let bytes = vec![7; 1 << 20];
    let mut group = offer(offer_of(&bytes), Options::default());
    request(&mut group);
    group.inject(&Message::Chunk(bytes[..60_000].to_vec())).unwrap();
    let start = group.since(0);
    // As fast as it must be.
    for chunk in 1..=10 {
        group.now += SECOND;
        let received = group.inject(&Message::Chunk(bytes[..65_536].to_vec())).unwrap();
        let Some(Event::Chunk { number, .. }) = received else { panic!("chunk {chunk}") };
        group.side(1).session_mut().took(number, &Version::new());
        group.tick();
    }
    let now = group.since(0);
    assert_eq!(now, start + 10 * SECOND);
    assert_eq!(group.side(1).deadline(), Some(now + 10 * SECOND));
    assert_eq!(group.side(1).tick(now + 10 * SECOND), Err(End::Stalled(Waited::Snapshot)));
}

/// What one side of a pair sends now.
fn sends(group: &mut Group, side: usize) -> Option<Message<Wire>> {
    let before = group.links[0].pipes[side].len();
    if !group.send(0, side) {
        return None;
    }
    let bytes: Vec<u8> = group.links[0].pipes[side].iter().skip(before).copied().collect();
    FrameReader::default().read(&mut &bytes[..], &Options::default(), true, Duration::ZERO).unwrap()
}

/// A want was on its way when it was offered: then it does not hold any more, and one that waits for it is notified.
#[test]
fn one_that_does_not_hold_any_more_is_withdrawn() {
    let first = offer_of(&[7; 100]);
    let mut group = offer(first, Options::default());
    request(&mut group);
    let void = |hash| Message::Offer(Offer { length: 0, hash, level: 0 });
    assert!(group.inject(&void([9; 32])).unwrap().is_none(), "another");
    assert!(matches!(group.inject(&void(first.hash)), Ok(Some(Event::Withdrawn))));
    group.now += 100 * SECOND;
    group.tick();
    let event = group.inject(&Message::Offer(first)).unwrap();
    assert!(matches!(event, Some(Event::Offered(it)) if it == first), "it can be offered again");
    // The other side of it: what is not offered is asked for.
    let mut group = Group::pair();
    assert!(group.inject(&Message::Request([9; 32])).unwrap().is_none());
    let sent = sends(&mut group, 1);
    assert!(
        matches!(sent, Some(Message::Offer(it)) if it == Offer { length: 0, hash: [9; 32], level: 0 }),
        "{sent:?}"
    );
}

/// However much it asked for before. What it waits for is the answer to its last request, so that is the one that comes.
#[test]
fn a_request_is_answered_when_the_peer_has_used_up_its_requests() {
    let mut group = Group::pair();
    let mut reported = Vec::new();
    for number in 0..30 {
        let (lost, hash) = ([100 + number; 32], [number; 32]);
        for hash in [lost, hash] {
            reported.extend(group.inject(&Message::Request(hash)).unwrap().map(|event| format!("{event:?}")));
        }
        let sent = sends(&mut group, 1);
        assert!(matches!(sent, Some(Message::Offer(it)) if it.is_void() && it.hash == hash), "{sent:?}");
        assert!(sends(&mut group, 1).is_none());
    }
    assert_eq!(reported, ["Misbehaved(Requests)"]);
}

/// Each time that this side says what it has may be answered with one. Those beyond are requests without progress.
#[test]
fn an_offer_is_heard_when_the_peer_has_used_up_its_requests() {
    let use_up = |group: &mut Group| {
        for _ in 0..30 {
            group.inject(&Message::Request([9; 32])).unwrap();
        }
        while group.send(0, 1) {}
    };
    let mut group = Group::pair();
    use_up(&mut group);
    let offered = |group: &mut Group, byte| {
        let offer = offer_of(&[byte; 100]);
        matches!(group.inject(&Message::Offer(offer)), Ok(Some(Event::Offered(it))) if it == offer)
    };
    assert!(offered(&mut group, 1), "it said once what it has");
    assert!(!offered(&mut group, 2));
    group.side(1).session_mut().joined();
    group.now += 2 * SECOND;
    while group.send(0, 1) {}
    assert_eq!(group.links[0].wants, [0, 1]);
    use_up(&mut group);
    assert!(offered(&mut group, 3), "and once more");
    assert!(!offered(&mut group, 4));
}

#[test]
fn one_in_place_of_the_requested_is_requested() {
    let (first, second) = (offer_of(&[7; 100]), offer_of(&[8; 100]));
    let mut group = offer(first, Options { snapshot_bytes: 150, ..Options::default() });
    request(&mut group);
    assert!(group.inject(&Message::Offer(second)).unwrap().is_none(), "it is asked for already");
    let sent = sends(&mut group, 1);
    assert!(matches!(sent, Some(Message::Request(hash)) if hash == second.hash), "{sent:?}");
    let event = group.inject(&Message::Chunk(vec![8; 100])).unwrap();
    assert!(matches!(event, Some(Event::Chunk { last: true, .. })));
    // Beyond the quota it is not.
    let mut group = offer(first, Options { snapshot_bytes: 150, ..Options::default() });
    request(&mut group);
    let event = group.inject(&Message::Offer(offer_of(&[9; 200]))).unwrap();
    assert!(matches!(event, Some(Event::Withdrawn)));
    assert!(sends(&mut group, 1).is_none());
}

/// The rest of one that was given up comes, and is dropped.
#[test]
fn one_that_is_given_up_leaves_nothing() {
    let mut group = offer(offer_of(&[7; 100]), Options::default());
    request(&mut group);
    group.inject(&Message::Chunk(vec![7; 10])).unwrap();
    let number = status(&mut group, 1).received;
    group.side(1).session_mut().took(number, &Version::new());
    group.side(1).session_mut().joined();
    assert!(group.inject(&Message::Chunk(vec![7; 20])).unwrap().is_none());
    assert_eq!(status(&mut group, 1).in_hand, 0);
    group.now += 2 * SECOND;
    while group.send(0, 1) {}
    assert_eq!(group.links[0].wants, [0, 1]);
    // Another may be offered.
    let event = group.inject(&Message::Offer(offer_of(&[7; 30]))).unwrap();
    assert!(matches!(event, Some(Event::Offered(_))));
}

#[test]
fn a_snapshot_is_within_the_window_and_no_deltas_are_beside_it() {
    let mut group = far_behind(30_000);
    request_snapshot(&mut group);
    while group.send(0, 0) {}
    let full = status(&mut group, 0);
    assert!(full.sent > 4 && full.in_flight <= super::super::WINDOW, "{full:?}");
    group.nodes[0].replica.commit("meanwhile".into());
    group.frame(0, 0);
    group.flush(0);
    assert!(!group.send(0, 0));
    assert!(group.links[0].runs[0].is_empty());
    group.side(0).session_mut().close(Reason::Closed);
    group.disconnect(0);
    group.connect(0);
    group.rest();
    group.assert_equal();
}
