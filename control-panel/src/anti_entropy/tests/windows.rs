//! What is on its way is bounded, on both sides.

use super::{
    super::{Breach, End, Message, PIECE, WINDOW},
    group::Group,
};

fn fill(group: &mut Group, node: usize, words: usize, length: usize) {
    for _ in 0..words {
        group.nodes[node].replica.commit("y".repeat(length));
        group.frame(node, 0);
    }
    group.flush(node);
}

fn send_all(group: &mut Group, side: usize) -> usize {
    (0..20_000).take_while(|_| group.send(0, side)).count()
}

#[test]
fn a_reader_that_does_not_take_stops_the_sender_and_not_its_store() {
    let mut group = Group::pair();
    fill(&mut group, 0, 60, 50_000);
    let before = group.nodes[0].disk.asked;
    assert!(send_all(&mut group, 0) >= WINDOW / PIECE);
    let full = group.side(0).session().status();
    assert!(full.in_flight <= WINDOW && full.in_flight + PIECE + 256 > WINDOW, "{full:?}");
    // More that becomes durable is not read for it.
    fill(&mut group, 0, 5, 50_000);
    assert_eq!((send_all(&mut group, 0), group.nodes[0].disk.asked), (0, before + 1));
    group.deliver(0, 0, usize::MAX);
    assert!(group.side(1).session().status().in_hand <= WINDOW);
    // One is taken, one more is sent.
    group.frame(1, 1);
    group.flush(1);
    send_all(&mut group, 1);
    group.deliver(0, 1, usize::MAX);
    assert_eq!(send_all(&mut group, 0), 1);
    group.rest();
    group.assert_equal();
}

#[test]
fn a_run_longer_than_the_window_travels_alone() {
    let mut group = Group::pair();
    for length in [10, 900_000] {
        group.nodes[0].replica.commit("z".repeat(length));
    }
    // One run of both, and of more than a window.
    group.nodes[0].replica.commit("z".repeat(900_000));
    group.frame(0, 0);
    group.flush(0);
    fill(&mut group, 0, 2, 10);
    assert_eq!(send_all(&mut group, 0), 1);
    assert!(group.side(0).session().status().in_flight > WINDOW);
    group.rest();
    group.assert_equal();
}

/// A run that is longer than what is left of the window is read from the store, and waits. It is sent when there is room, without being asked for: it is the last, so nothing that
/// arrives behind it shows that it is missing.
#[test]
fn a_run_that_finds_the_window_full_waits_and_is_not_lost() {
    let mut group = Group::pair();
    fill(&mut group, 0, 1, 10);
    assert_eq!(send_all(&mut group, 0), 1);
    for length in [700_000, 400_000] {
        group.nodes[0].replica.commit("z".repeat(length));
    }
    group.frame(0, 0);
    group.flush(0);
    assert_eq!(send_all(&mut group, 0), 0, "the first one is on its way");
    let asked = group.nodes[0].disk.asked;
    group.deliver(0, 0, usize::MAX);
    group.frame(1, 1);
    group.flush(1);
    assert!(send_all(&mut group, 1) > 0, "it was taken");
    group.deliver(0, 1, usize::MAX);
    assert_eq!((send_all(&mut group, 0), group.nodes[0].disk.asked), (1, asked));
    assert!(group.side(0).session().status().in_flight > WINDOW);
    group.rest();
    group.assert_equal();
    assert_eq!(group.links[0].wants, [0; 2]);
}

#[test]
fn many_small_pieces_are_bounded_too() {
    let mut group = Group::pair();
    for _ in 0..9_000 {
        let sent = group.inject(&Message::Delta(vec![1]));
        if let Err(end) = sent {
            assert_eq!(end, End::Misbehaved(Breach::Window));
            assert_eq!(group.side(1).session().status().received, WINDOW as u64 / 129);
            return;
        }
    }
    panic!("a window of empty pieces has no end");
}

#[test]
fn what_was_not_sent_is_not_taken() {
    for upto in [0, 2, u64::MAX] {
        let mut group = Group::pair();
        fill(&mut group, 1, 1, 5);
        let sent = group.side(1).session().status().sent;
        assert_eq!(send_all(&mut group, 1), 1);
        let upto = if upto == 2 { sent + 2 } else { upto };
        assert_eq!(group.inject(&Message::Took(upto)).unwrap_err(), End::Misbehaved(Breach::Took));
    }
    let mut group = Group::pair();
    fill(&mut group, 1, 1, 5);
    send_all(&mut group, 1);
    let sent = group.side(1).session().status().sent;
    assert!(group.inject(&Message::Took(sent)).is_ok());
    assert!(group.inject(&Message::Took(sent)).is_err(), "twice");
}

/// Sent is not had.
#[test]
fn the_other_has_what_it_took() {
    let mut group = Group::pair();
    fill(&mut group, 0, 1, 5);
    let author = group.nodes[0].replica.author();
    let count = group.nodes[0].disk.replica.version().get(author);
    let had = |group: &mut Group| group.side(0).session().had().unwrap().get(author);
    assert_eq!(send_all(&mut group, 0), 1);
    assert!(had(&mut group) < count && !group.side(0).session().is_caught_up());
    group.deliver(0, 0, usize::MAX);
    group.frame(1, 1);
    assert_eq!(send_all(&mut group, 1), 0, "admitted, and not durable");
    assert!(had(&mut group) < count);
    group.flush(1);
    send_all(&mut group, 1);
    group.deliver(0, 1, usize::MAX);
    assert_eq!(had(&mut group), count);
}
