//! Peers that pass announcements on, without a network.

use super::*;
use crate::{replica::Grant, testing::Rng};

const GROUP: [u8; 32] = [5; 32];

fn key(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32])
}

fn peer(number: u8) -> Peer {
    Peer(*key(number).public().as_bytes())
}

fn at(port: u16) -> Vec<SocketAddr> {
    vec![SocketAddr::from(([127, 0, 0, 1], port))]
}

fn trust(peers: impl IntoIterator<Item = u8>) -> Peers {
    let mut trusted = Peers::default();
    for number in peers {
        trusted.pair(peer(number), Grant::Write, &[]).unwrap();
    }
    trusted
}

fn announcements(hints: Vec<Hint>) -> Vec<Announcement> {
    let of = |hint| match hint {
        Hint::Announcement(announcement) => Announcement::clone(&announcement),
        Hint::Want(peer) => panic!("it wants {peer}"),
    };
    hints.into_iter().map(of).collect()
}

#[test]
fn the_newest_word_of_a_trusted_peer_counts() {
    let mut here = Rendezvous::new(key(1), GROUP);
    let (mut from, trusted) = (here.neighbour(), trust([2]));
    let say = |number: u8, counter, port| Announcement::sign(&key(number), &GROUP, counter, &at(port));
    assert_eq!(here.hear(&mut from, &trusted, say(2, 3, 30)), Heard::New);
    for (counter, port) in [(3, 31), (2, 20), (0, 0)] {
        assert_eq!(here.hear(&mut from, &trusted, say(2, counter, port)), Heard::Nothing);
    }
    assert_eq!(here.addresses(&peer(2)), at(30));
    assert_eq!(here.hear(&mut from, &trusted, say(2, u64::MAX, 40)), Heard::New);
    assert_eq!(here.addresses(&peer(2)), at(40));

    // Of one that is not trusted, of another group, and in another's name.
    assert_eq!(here.hear(&mut from, &trusted, say(3, 1, 30)), Heard::Nothing);
    let other = Announcement::sign(&key(2), &[6; 32], u64::MAX, &at(50));
    here.forget(&peer(2));
    assert_eq!(here.hear(&mut from, &trusted, other), Heard::Forged);
    let mut forged = say(3, 9, 50);
    forged.peer = peer(2);
    assert_eq!(here.hear(&mut from, &trusted, forged), Heard::Forged);
    assert!(here.addresses(&peer(2)).is_empty() && here.addresses(&peer(3)).is_empty());

    // It is forgotten with its trust.
    assert_eq!(here.hear(&mut from, &trusted, say(2, 4, 30)), Heard::New);
    here.follow(&trust([3]), &BTreeSet::new());
    assert!(here.addresses(&peer(2)).is_empty());
}

#[test]
fn each_neighbour_gets_each_once_and_not_its_own_back() {
    let mut here = Rendezvous::new(key(1), GROUP);
    let trusted = trust([2, 3]);
    assert!(here.announce(&at(10)) && !here.announce(&at(10)));
    let (mut two, mut three) = (here.neighbour(), here.neighbour());
    let of = |hints| announcements(hints).iter().map(|one| one.peer).collect::<Vec<_>>();
    assert_eq!(of(here.next(&mut two, &[])), [peer(1)]);
    let said = Announcement::sign(&key(2), &GROUP, 1, &at(20));
    assert_eq!(here.hear(&mut two, &trusted, said), Heard::New);
    assert_eq!(of(here.next(&mut three, &[])), [peer(1), peer(2)]);
    assert!(here.next(&mut two, &[]).is_empty() && here.next(&mut three, &[]).is_empty());
    // What it asks for it gets, if it is known.
    assert_eq!(of(here.next(&mut three, &[peer(2), peer(9)])), [peer(2)]);
    // A new session with the same peer gets its own word back: it may have begun anew.
    let mut again = here.neighbour();
    assert_eq!(of(here.next(&mut again, &[])), [peer(1), peer(2)]);
}

#[test]
fn one_that_begins_anew_goes_on_beyond_its_own_word() {
    let trusted = [trust([2]), trust([1])];
    let mut here = Rendezvous::new(key(1), GROUP);
    let mut neighbour = here.neighbour();
    let old = Announcement::sign(&key(2), &GROUP, 7, &at(20));
    assert_eq!(here.hear(&mut neighbour, &trusted[0], old), Heard::New);

    let mut there = Rendezvous::new(key(2), GROUP);
    there.announce(&at(21));
    let (mut to_here, mut back) = (there.neighbour(), here.neighbour());
    for said in announcements(there.next(&mut to_here, &[])) {
        assert_eq!(here.hear(&mut back, &trusted[0], said), Heard::Nothing, "it is older");
    }
    for said in announcements(here.next(&mut back, &[])) {
        assert_eq!(there.hear(&mut to_here, &trusted[1], said), Heard::Own);
    }
    for said in announcements(there.next(&mut to_here, &[])) {
        assert_eq!((said.counter, here.hear(&mut back, &trusted[0], said)), (8, Heard::New));
    }
    assert_eq!(here.addresses(&peer(2)), at(21));
    // Also where it had the same number.
    let (mut there, mut neighbour) = (Rendezvous::new(key(2), GROUP), here.neighbour());
    let old = Announcement::sign(&key(2), &GROUP, 1, &at(20));
    there.announce(&at(21));
    let mut to_here = there.neighbour();
    assert_eq!(there.hear(&mut to_here, &trusted[1], old), Heard::Own);
    assert_eq!(announcements(there.next(&mut to_here, &[]))[0].counter, 2);
    assert_eq!(
        here.hear(&mut neighbour, &trusted[0], Announcement::sign(&key(2), &GROUP, 2, &at(2))),
        Heard::Nothing
    );

    // Two programs with one key do not outdo each other without end.
    let copy = Announcement::sign(&key(2), &GROUP, 20, &at(22));
    assert_eq!(there.hear(&mut to_here, &trusted[1], copy), Heard::Nothing);
    // And after the last number there is no other.
    let last = Announcement::sign(&key(2), &GROUP, u64::MAX, &at(22));
    let mut another = there.neighbour();
    assert_eq!(there.hear(&mut another, &trusted[1], last), Heard::Nothing);
}

#[test]
fn one_that_comes_to_be_trusted_is_asked_for() {
    let mut here = Rendezvous::new(key(1), GROUP);
    let mut neighbour = here.neighbour();
    let said = Announcement::sign(&key(3), &GROUP, 1, &at(30));
    assert_eq!(here.hear(&mut neighbour, &trust([2]), said.clone()), Heard::Nothing);
    let both = trust([2, 3]);
    here.follow(&both, &BTreeSet::from([peer(3)]));
    assert_eq!(here.next(&mut neighbour, &[]), [Hint::Want(peer(3))]);
    assert!(here.next(&mut neighbour, &[]).is_empty());
    assert_eq!(here.hear(&mut neighbour, &both, said), Heard::New);
    // One whose word is here already is not.
    here.follow(&both, &BTreeSet::from([peer(3)]));
    assert!(here.next(&mut neighbour, &[]).is_empty());
}

fn below(rng: &mut Rng, bound: usize) -> usize {
    usize::try_from(rng.below(bound as u64)).unwrap()
}

/// Any network that holds together, any order: all come to know the last word of all, and it ends.
#[test]
fn all_hear_of_all() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let count = 2 + below(&mut rng, 7);
        let mut nodes: Vec<_> = (1..).take(count).map(|number| Rendezvous::new(key(number), GROUP)).collect();
        let trusted = trust((1..).take(count));
        // A tree, and some more: (from, to, what the side knows of the other).
        let mut ways: Vec<(usize, usize)> = (1..count).map(|node| (node, below(&mut rng, node))).collect();
        ways.extend((0..rng.below(4)).map(|_| (below(&mut rng, count), below(&mut rng, count))));
        ways.retain(|(one, other)| one != other);
        let ways: Vec<_> = ways.iter().flat_map(|(one, other)| [(*one, *other), (*other, *one)]).collect();
        let mut neighbours: Vec<_> = ways.iter().map(|(here, _)| nodes[*here].neighbour()).collect();
        let mut ports = vec![0; count];
        let mut quiet = 0;
        for step in 0_u16.. {
            assert!(step < 20_000, "seed {seed}: it does not end");
            if step < 50 && rng.chance(30) {
                let node = below(&mut rng, count);
                ports[node] = step + 1;
                nodes[node].announce(&at(ports[node]));
            }
            let way = below(&mut rng, ways.len());
            let (here, there) = ways[way];
            let hints = announcements(nodes[here].next(&mut neighbours[way], &[]));
            quiet = if hints.is_empty() { quiet + 1 } else { 0 };
            // What arrives there comes by the way back, the one beside it.
            for hint in hints {
                nodes[there].hear(&mut neighbours[way ^ 1], &trusted, hint);
            }
            if step >= 50 && quiet > 200 {
                break;
            }
        }
        for (of, port) in ports.iter().enumerate().filter(|(_, port)| **port > 0) {
            let of = peer(u8::try_from(of + 1).unwrap());
            assert!(nodes.iter().all(|node| node.addresses(&of) == at(*port)), "seed {seed}");
        }
    }
}
