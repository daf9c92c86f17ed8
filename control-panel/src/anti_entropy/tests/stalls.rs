//! What must be done in time.

use std::time::Duration;

use super::{
    super::{Connection, End, Message, Options, Waited},
    group::{Group, local, peer},
};
use crate::replica::Version;

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

/// It stalls then, and not before; and asks to be called then.
fn stalls(connection: &mut Connection, at: Duration, waited: Waited) {
    assert_eq!(connection.deadline(), Some(at));
    assert_eq!(connection.tick(at.saturating_sub(MOMENT)), Ok(()));
    assert_eq!(connection.tick(at), Err(End::Stalled(waited)));
    assert_eq!((connection.tick(at), connection.deadline()), (Ok(()), None), "reported once");
}

#[test]
fn a_hello_has_five_seconds_and_so_has_what_follows() {
    let mut group = Group::new(2);
    group.connect(0);
    stalls(group.side(0), 5 * SECOND, Waited::Hello);

    let mut group = Group::new(2);
    group.connect(0);
    group.now = 2 * SECOND;
    assert!(group.send(0, 1));
    group.deliver(0, 1, usize::MAX);
    stalls(group.side(0), 7 * SECOND, Waited::Hello);
}

/// A byte a second is no progress: the deadline is the message's.
#[test]
fn a_message_that_comes_byte_by_byte_has_ten_seconds_in_all() {
    let mut group = Group::pair();
    let start = group.since(0);
    let mut frame = vec![3];
    frame.extend(70_000_u32.to_le_bytes());
    frame.extend([0; 100]);
    let mut now = start;
    for byte in frame.chunks(1).take(11) {
        let received = group.side(0).receive(&mut &byte[..], &Version::new(), now);
        assert!(matches!(received, Ok(None)));
        now += SECOND;
    }
    // One more for each 64 KiB of it.
    stalls(group.side(0), start + 11 * SECOND, Waited::Message);
}

#[test]
fn a_reader_that_takes_nothing_stalls() {
    let mut group = Group::pair();
    group.nodes[0].replica.commit("first".into());
    group.frame(0, 0);
    group.flush(0);
    let start = group.since(0);
    assert!(group.send(0, 0));
    group.now += 50 * SECOND;
    group.nodes[0].replica.commit("second".into());
    group.frame(0, 0);
    group.flush(0);
    assert!(group.send(0, 0), "there is room");
    stalls(group.side(0), start + 60 * SECOND, Waited::Took);
}

#[test]
fn what_is_taken_bit_by_bit_does_not_stall() {
    let mut group = Group::pair();
    for _ in 0..4 {
        group.nodes[0].replica.commit("x".repeat(200_000));
        group.frame(0, 0);
    }
    group.flush(0);
    while group.send(0, 0) {}
    group.deliver(0, 0, usize::MAX);
    assert!(group.nodes[1].queue.len() > 2);
    while !group.nodes[1].queue.is_empty() {
        group.now += 50 * SECOND;
        group.tick();
        group.frame(1, 1);
        group.flush(1);
        for side in [1, 0] {
            while group.send(0, side) {}
            group.deliver(0, side, usize::MAX);
            group.frame(0, usize::MAX);
            group.flush(0);
        }
    }
    group.rest();
}

#[test]
fn nothing_is_waited_for_when_nothing_is_on_its_way() {
    let mut group = Group::pair();
    assert_eq!((group.side(0).deadline(), group.side(1).deadline()), (None, None));
    group.now += 1_000 * SECOND;
    group.tick();
    assert!(!group.send(0, 0) && !group.send(0, 1));
}

/// As a hello is the first, what comes before it has its own deadline, however long it is.
#[test]
fn the_deadline_of_the_hello_does_not_wait_for_its_bytes() {
    let mut connection = Connection::new(local(0), peer(1), Options::default());
    let mut frame = Vec::new();
    super::super::wire::encode(&Message::Have(Version::new()), &mut frame);
    frame[0] = 1;
    let received = connection.receive(&mut &frame[..3], &Version::new(), 4 * SECOND);
    assert!(matches!(received, Ok(None)));
    stalls(&mut connection, 5 * SECOND, Waited::Hello);
}
