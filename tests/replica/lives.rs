//! One author that is written by two programs: a copied folder, a restored backup, a log that was lost.

use std::collections::BTreeSet;

use control_panel::{
    Author, Delta, Peer, Replica, Stamp, State,
    replica::{ReplicaNotice, Version},
};

#[derive(Clone, Debug, Default, PartialEq)]
struct Done(Vec<u32>);

impl State for Done {
    type Op = u32;

    fn apply(&mut self, op: &u32, _: &Stamp) {
        self.0.push(*op);
    }
}

const PEERS: [Peer; 3] = [Peer([1; 32]), Peer([2; 32]), Peer([3; 32])];

fn replica(peer: Peer) -> Replica<Done> {
    let builder = Replica::builder(peer, Done::default()).members(PEERS);
    builder.payload(|op, bytes| bytes.extend(op.to_le_bytes())).build()
}

/// All have what all have, three times over. Returns the authors that went on as another.
fn exchange(replicas: &mut [&mut Replica<Done>]) -> Vec<Author> {
    let mut lives = Vec::new();
    for _ in 0..3 {
        for from in 0..replicas.len() {
            let _ = replicas[from].outbox();
            for to in 0..replicas.len() {
                let delta = replicas[from].since(replicas[to].version());
                replicas[to].merge(delta);
                for notice in replicas[to].settle().notices {
                    if let ReplicaNotice::NextLife { author, cut_off: false } = notice {
                        assert_eq!(author, replicas[to].author());
                        lives.push(author);
                    }
                }
            }
        }
    }
    lives
}

#[test]
fn of_two_programs_that_write_as_one_author_one_goes_on_as_another() {
    let mut parted = 0;
    for salt in 0..20 {
        let [mut here, mut there] = [PEERS[0], PEERS[1]].map(replica);
        here.commit(salt);
        exchange(&mut [&mut here, &mut there]);
        let mut copy = replica(PEERS[0]);
        copy.merge(there.since(&Version::new()));
        assert_eq!(copy.author(), here.author(), "its own log is no one else's");

        here.commit(100);
        copy.commit(200);
        let lives = exchange(&mut [&mut here, &mut there, &mut copy]);
        assert_eq!(lives, [Author { peer: PEERS[0], incarnation: 1 }], "one of the two, once");
        parted += usize::from(copy.author().incarnation == 1);
        for turn in 0..3 {
            here.commit(101 + turn);
            copy.commit(201 + turn);
            assert_eq!(exchange(&mut [&mut here, &mut there, &mut copy]), [], "they are two now");
        }
        let mut done = there.state().0.clone();
        done.sort_unstable();
        assert_eq!(done, [salt, 100, 101, 102, 103, 200, 201, 202, 203], "nothing is void");
        assert_eq!((here.state(), copy.state()), (there.state(), there.state()));
    }
    assert!((1..20).contains(&parted), "which of them does not depend on which is the copy: {parted}");
}

#[test]
fn three_programs_that_write_as_one_author_become_three() {
    for salt in 0..10 {
        let mut other = replica(PEERS[1]);
        let mut copies: Vec<_> = (0..3).map(|_| replica(PEERS[0])).collect();
        for (copy, op) in copies.iter_mut().zip(salt * 10..) {
            copy.commit(op);
        }
        for turn in 0..4 {
            let mut all: Vec<_> = copies.iter_mut().chain([&mut other]).collect();
            exchange(&mut all);
            for (copy, op) in copies.iter_mut().zip(1_000 + turn * 10..) {
                copy.commit(op);
            }
        }
        let mut all: Vec<_> = copies.iter_mut().chain([&mut other]).collect();
        exchange(&mut all);
        let mut authors: Vec<_> = copies.iter().map(|copy| copy.author().incarnation).collect();
        authors.sort_unstable();
        authors.dedup();
        assert_eq!(authors.len(), 3, "each has its own");
        let back: usize = copies.iter_mut().map(|copy| copy.take_void().len()).sum();
        assert_eq!((other.state().0.len(), back), (15, 0), "{:?}", other.state());
        assert!(copies.iter().all(|copy| copy.state() == other.state()));
    }
}

#[test]
fn a_life_that_lost_its_log_and_met_who_has_less_of_it_finds_out() {
    let mut found = 0;
    for salt in 0..20 {
        let [mut here, mut less, mut more] = PEERS.map(replica);
        here.commit(salt);
        exchange(&mut [&mut here, &mut less, &mut more]);
        here.commit(100);
        more.merge(here.since(more.version()));
        let _ = (more.settle(), less.settle());
        drop(here);

        let mut again = replica(PEERS[0]);
        again.merge(less.since(&Version::new()));
        again.commit(200);
        // It hears of what it made before.
        again.merge(more.since(again.version()));
        let before = again.author();
        let found_out =
            again.settle().notices.iter().any(|notice| matches!(notice, ReplicaNotice::NextLife { .. }));
        assert_eq!(before.incarnation == 1, found_out, "before its next commit");
        found += usize::from(found_out);
        again.commit(201);
        exchange(&mut [&mut again, &mut less, &mut more]);
        let mut done = less.state().0.clone();
        done.sort_unstable();
        assert_eq!(done, [salt, 100, 200, 201]);
        assert_eq!((again.state(), more.state()), (less.state(), less.state()));
    }
    assert!(found > 0);
}

/// One that has lost what it made, the two others, and what one of these had as it went on.
fn lost(ops: u32) -> (Replica<Done>, [Replica<Done>; 2], Vec<Delta<u32>>) {
    let [mut here, mut there, mut third] = PEERS.map(replica);
    let mut stages = Vec::new();
    for op in 0..ops {
        here.commit(op);
        exchange(&mut [&mut here, &mut there]);
        there.commit(1_000 + op);
        exchange(&mut [&mut here, &mut there, &mut third]);
        stages.push(there.since(&Version::new()));
    }
    (replica(PEERS[0]), [there, third], stages)
}

#[test]
fn one_that_hears_of_its_lost_log_says_nothing_until_it_has_it_again() {
    let (mut again, [mut there, mut third], stages) = lost(5);
    again.remember(there.version());
    for stage in &stages[..4] {
        again.merge(stage.clone());
        let _ = again.settle();
        assert!(again.outbox().is_none(), "it would acknowledge with a number that it has given");
    }
    again.merge(stages[4].clone());
    assert_eq!(exchange(&mut [&mut again, &mut there, &mut third]), []);
    again.commit(5);
    assert_eq!(exchange(&mut [&mut again, &mut there, &mut third]), [], "it is the peer that it was");
    assert_eq!(again.author().incarnation, 0);
    assert_eq!((again.state(), third.state()), (there.state(), there.state()));
}

#[test]
fn what_is_committed_before_that_is_of_a_life_that_no_one_knows() {
    let (mut again, [mut there, mut third], stages) = lost(3);
    again.merge(stages[0].clone());
    let _ = again.settle();
    again.remember(&Version::from_iter([
        (again.author(), 100),
        (Author { incarnation: 6, ..again.author() }, 1),
    ]));
    let author = Author { peer: PEERS[0], incarnation: 7 };
    assert_eq!(again.commit(200).author, author);
    let notices = again.settle().notices;
    assert!(matches!(notices[..], [ReplicaNotice::NextLife { author: of, cut_off: false }] if of == author));
    assert_eq!(exchange(&mut [&mut again, &mut there, &mut third]), [], "and of no other after that");
    assert_eq!(again.commit(201).author, author);
    assert_eq!(exchange(&mut [&mut again, &mut there, &mut third]), []);
    assert_eq!((again.state(), third.state()), (there.state(), there.state()));
}

/// It may never come.
#[test]
fn it_acknowledges_in_its_next_life_where_nothing_comes() {
    let (mut again, [mut there, _], _) = lost(2);
    again.remember(&Version::from_iter([(again.author(), 100)]));
    there.commit(2_000);
    again.merge(there.since(&Version::new()));
    let _ = again.settle();
    assert!((0..600).all(|_| again.outbox().is_none()));
    let said = again.outbox().expect("an acknowledgement");
    assert_eq!(said.authors().collect::<Vec<_>>(), [Author { peer: PEERS[0], incarnation: 1 }]);
}

#[test]
fn one_that_has_all_that_others_know_of_it_goes_on() {
    let (mut again, [mut there, mut third], stages) = lost(2);
    again.merge(stages[1].clone());
    let _ = again.settle();
    again.remember(there.version());
    assert_eq!(again.commit(2).author.incarnation, 0);
    assert_eq!(exchange(&mut [&mut again, &mut there, &mut third]), []);
}

/// What a member says of this peer's lives is believed as far as that none of them is taken again, and no further.
#[test]
fn lives_that_a_member_made_up_use_none_up() {
    let [mut here, mut there] = [PEERS[0], PEERS[1]].map(replica);
    let mut lives = BTreeSet::new();
    for op in 0..5 {
        let made_up = Author { incarnation: u32::MAX, ..here.author() };
        here.remember(&Version::from_iter([(here.author(), 1_000), (made_up, 1)]));
        lives.insert(here.commit(op).author.incarnation);
        assert_eq!(exchange(&mut [&mut here, &mut there]), [here.author()], "said once");
    }
    assert_eq!(lives.len(), 5, "{lives:?}");
    assert!(!lives.contains(&u32::MAX));
    assert_eq!((here.state(), there.state().0.len()), (there.state(), 5));
}
