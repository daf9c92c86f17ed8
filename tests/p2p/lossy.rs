//! Two peers on a network that loses packets, falls in two, or comes and goes.

use std::time::{Duration, Instant};

use control_panel::workers::p2p_sync::OfflineReason::{Stalled, TimedOut};

use crate::{
    node::{Node, Seen, Setup, folders, for_a_while, until},
    relay::{Faults, Relay, Way, near_side},
};

/// Two in contact through a relay. The first cannot dial the second.
struct Pair {
    alice: Node,
    bob: Node,
    relay: Relay,
    _folders: Vec<tempfile::TempDir>,
}

impl Pair {
    fn new(idle: Duration, seed: u64) -> Option<Self> {
        let bind = near_side()?;
        let (folders, members) = folders(2);
        let setup = |index: usize| Setup { idle, ..Setup::new(folders[index].path(), &members) };
        let mut alice = setup(0).start();
        let relay = Relay::to(alice.address(), seed);
        let known = vec![(members[0], relay.address)];
        let bob = Setup { bind, known, ..setup(1) }.start();
        let mut pair = Self { alice, bob, relay, _folders: folders };
        pair.until("both are online", Pair::are_online);
        Some(pair)
    }

    fn until(&mut self, what: &str, mut is: impl FnMut(&Node, &Node) -> bool) {
        until(&mut [&mut self.alice, &mut self.bob], what, |nodes| is(nodes[0], nodes[1]));
    }

    fn are_online(alice: &Node, bob: &Node) -> bool {
        alice.is_online(bob.peer()) && bob.is_online(alice.peer())
    }

    fn are_offline(alice: &Node, bob: &Node) -> bool {
        !alice.is_online(bob.peer()) && !bob.is_online(alice.peer())
    }

    /// What each reported of the other, since it was reached first.
    fn seen(&self) -> [Vec<Seen>; 2] {
        let (alice, bob) = (self.alice.peer(), self.bob.peer());
        [self.alice.seen_since_online(bob), self.bob.seen_since_online(alice)]
    }
}

/// A tenth of the packets is lost, a tenth comes twice, a fifth is overtaken: it takes longer, and that is all.
#[test]
fn two_converge_while_packets_are_lost_doubled_and_overtaken() {
    let Some(mut pair) = Pair::new(Duration::from_secs(15), 1) else { return };
    pair.relay.faults(Faults { lost: 10, doubled: 10, overtaken: 20 });
    let long = "x".repeat(8 << 10);
    for number in 0..60 {
        pair.alice.commit(&format!("a{number} {long}"));
        pair.bob.commit(&format!("b{number}"));
    }
    pair.until("all words are here and there", |alice, bob| {
        alice.words().len() == 120 && bob.words().len() == 120
    });
    assert_eq!(pair.alice.words(), pair.bob.words());
    assert_eq!(pair.seen(), [[Seen::Online], [Seen::Online]]);
    assert!(pair.alice.app.misbehaved.is_empty() && pair.bob.app.misbehaved.is_empty());
    let figures = pair.relay.figures();
    assert!(figures.lost > 0 && figures.doubled > 0 && figures.overtaken > 0, "{figures:?}");
}

/// Also where packets go one way alone: each end reports one loss, and one return.
#[test]
fn a_partition_is_one_offline_and_one_online() {
    let Some(mut pair) = Pair::new(Duration::from_secs(4), 2) else { return };
    for (round, ways) in [&[Way::There, Way::Back][..], &[Way::There], &[Way::Back]].into_iter().enumerate() {
        // A busy machine may hold a connection up: then that is what was seen before.
        pair.until("both are online", Pair::are_online);
        for way in ways {
            pair.relay.cut(*way);
        }
        pair.alice.commit("meanwhile");
        pair.bob.commit("meanwhile");
        pair.until("both know", Pair::are_offline);
        for_a_while(&mut [&mut pair.alice, &mut pair.bob], Duration::from_secs(1));
        pair.relay.mend();
        pair.until("both are back, and have both words", |alice, bob| {
            let words = 2 * (round + 1);
            Pair::are_online(alice, bob) && alice.words().len() == words && bob.words().len() == words
        });
        assert_eq!(pair.alice.words(), pair.bob.words());
    }
    for_a_while(&mut [&mut pair.alice, &mut pair.bob], Duration::from_secs(1));
    for seen in pair.seen() {
        assert_eq!(seen.len(), 7, "{seen:?}");
        assert_eq!(seen[..3], [Seen::Online, Seen::Offline(TimedOut), Seen::Online]);
        // Both ends dial, so a second connection replaces the first. Where packets go one way alone, each that arrives begins the idle time
        // anew, and the deadline for the hello of that second session passes first: nothing came in time on a connection that lives.
        for round in seen[3..].chunks(2) {
            assert!(matches!(round, [Seen::Offline(TimedOut | Stalled), Seen::Online]), "{seen:?}");
        }
    }
}

/// One that comes and goes is reported as offline until it stays, with the number of times.
#[test]
fn a_link_that_flaps_is_damped_and_counted() {
    let Some(mut pair) = Pair::new(Duration::from_secs(2), 3) else { return };
    let (mut rounds, peer) = (0, pair.bob.peer());
    loop {
        rounds += 1;
        assert!(rounds < 40, "not damped: {:?}", pair.seen());
        pair.relay.cut_both();
        pair.until("it is lost", |alice, _| !alice.is_online(peer));
        pair.relay.mend();
        pair.bob.commit("through");
        pair.until("it is in contact", |alice, _| alice.words().len() == rounds);
        // Where that is reported it is so with the word, or a moment later: five losses a minute, on a machine that is not too slow for them.
        let began = Instant::now();
        while !pair.alice.is_online(peer) && began.elapsed() < Duration::from_millis(500) {
            for_a_while(&mut [&mut pair.alice, &mut pair.bob], Duration::from_millis(5));
        }
        if !pair.alice.is_online(peer) {
            break;
        }
    }
    assert!(rounds > 5, "damped after {rounds} losses");
    let reported = pair.alice.seen_of(pair.bob.peer()).len();
    // Lost again, before it has settled: no report.
    pair.relay.cut_both();
    for_a_while(&mut [&mut pair.alice, &mut pair.bob], Duration::from_secs(6));
    assert_eq!(pair.alice.seen_of(pair.bob.peer()).len(), reported);
    pair.relay.mend();
    pair.until("it has settled", |alice, bob| alice.is_online(bob.peer()));
    assert!(pair.alice.app.flapped > 0, "the times are in the report");
    let seen = pair.alice.seen_since_online(pair.bob.peer());
    assert!(seen.windows(2).all(|two| (two[0] == Seen::Online) != (two[1] == Seen::Online)), "{seen:?}");
}
