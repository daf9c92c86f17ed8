//! What was committed anywhere comes to be everywhere.

use std::time::Duration;

use crate::node::{Seen, Setup, folders, pair, until};
use control_panel::replica::Grant;

#[test]
fn two_that_edit_see_the_same() {
    let (folders, members) = folders(2);
    let mut nodes: Vec<_> =
        folders.iter().map(|folder| Setup::new(folder.path(), &members).start()).collect();
    let [alice, bob] = &mut nodes[..] else { unreachable!() };
    alice.commit("before");
    bob.commit("too");
    alice.knows(bob);
    until(&mut [alice, bob], "both words are here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 2)
    });
    for number in 0..50 {
        alice.commit(&format!("a{number}"));
        bob.commit(&format!("b{number}"));
    }
    until(&mut [alice, bob], "all words are here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 102)
    });
    assert_eq!(alice.words(), bob.words());
    assert_eq!(alice.seen_since_online(bob.peer()), [Seen::Online]);
}

#[test]
fn those_that_edited_offline_converge() {
    let (folders, members) = folders(2);
    let setups: Vec<_> =
        folders.iter().map(|folder| Setup { journal: true, ..Setup::new(folder.path(), &members) }).collect();
    let (mut alice, mut bob) = (setups[0].start(), setups[1].start());
    alice.knows(&mut bob);
    alice.commit("together");
    until(&mut [&mut alice, &mut bob], "the first word is here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 1)
    });
    bob.stop();
    for number in 0..100 {
        alice.commit(&format!("a{number}"));
    }
    let mut bob = setups[1].start();
    for number in 0..100 {
        bob.commit(&format!("b{number}"));
    }
    // It comes back at another port, and finds the other in its address book or is said where it is.
    bob.knows(&mut alice);
    until(&mut [&mut alice, &mut bob], "all words are here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 201)
    });
    assert_eq!(alice.words(), bob.words());
}

/// By default: the program adds nothing.
#[test]
fn a_console_shows_how_far_a_peer_lags_and_what_its_late_operations_cost() {
    let (folders, members) = folders(2);
    let setups: Vec<_> = folders
        .iter()
        .map(|folder| Setup { journal: true, record: true, ..Setup::new(folder.path(), &members) })
        .collect();
    let (mut alice, mut bob) = (setups[0].start(), setups[1].start());
    let observer = alice.panel.observer();
    let row = |of: control_panel::Peer| {
        let view = control_panel::console::Console::default().refresh(&observer);
        view.peers.into_iter().find(|row| row.name == of.to_string())
    };
    let there = bob.peer();
    alice.knows(&mut bob);
    alice.commit("together");
    until(&mut [&mut alice, &mut bob], "it is shown that the peer has it", |nodes| {
        nodes.iter().all(|node| node.words().len() == 1)
            && row(there).is_some_and(|row| row.online && row.lag == Some(0))
    });
    let (sent, received) = row(there).unwrap().bytes.expect("they are in contact");
    assert!(sent > 100 && received > 100, "{sent} and {received} bytes");
    assert_eq!(row(there).unwrap().redo_depth, Some(0));
    bob.stop();
    // What each says meanwhile sorts among what the other does.
    for number in 0..30 {
        alice.commit(&format!("a{number}"));
    }
    until(&mut [&mut alice], "it lags, and is offline", |_| {
        row(there).is_some_and(|row| !row.online && row.lag >= Some(30))
    });
    let mut bob = setups[1].start();
    for number in 0..20 {
        bob.commit(&format!("b{number}"));
    }
    bob.knows(&mut alice);
    until(&mut [&mut alice, &mut bob], "all words are here and there, and no lag is shown", |nodes| {
        nodes.iter().all(|node| node.words().len() == 51) && row(there).is_some_and(|row| row.lag == Some(0))
    });
    let depth = row(there).unwrap().redo_depth.unwrap();
    assert!((1..=60).contains(&depth), "what came late made others be applied again: {depth}");
    // So does the journal to which the frames are recorded.
    let view = control_panel::console::Console::default().refresh(&observer);
    assert!(
        view.journals.iter().any(|row| row.bytes > Some(0) && row.last_fsync.is_some()),
        "{:?}",
        view.journals
    );
}

/// The one in the middle passes on what it gets.
#[test]
fn what_one_says_reaches_a_third() {
    let (folders, members) = folders(3);
    let mut nodes: Vec<_> =
        folders.iter().map(|folder| Setup::new(folder.path(), &members).start()).collect();
    let [alice, bob, carol] = &mut nodes[..] else { unreachable!() };
    bob.knows(alice);
    bob.knows(carol);
    for number in 0..20 {
        alice.commit(&format!("a{number}"));
        carol.commit(&format!("c{number}"));
    }
    until(&mut [alice, bob, carol], "all words are everywhere", |nodes| {
        nodes.iter().all(|node| node.words().len() == 40)
    });
    assert_eq!(alice.words(), carol.words());
}

#[test]
fn a_ticket_makes_a_member() {
    let (folders, keys) = folders(2);
    let mut alice = Setup::new(folders[0].path(), &[]).start();
    let mut bob = Setup::new(folders[1].path(), &keys[..1]).start();
    alice.commit("old");
    pair(&mut alice, &mut bob, Grant::Write);
    bob.commit("new");
    until(&mut [&mut alice, &mut bob], "both words are here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 2)
    });

    // Both know each other after a restart, whichever comes back.
    let (alice_at, bob_is) = (alice.address(), bob.peer());
    bob.stop();
    until(&mut [&mut alice], "it is seen as offline", |nodes| !nodes[0].is_online(bob_is));
    let mut bob = Setup::new(folders[1].path(), &keys[..1]).start();
    let known = bob.peers.status().peers;
    assert!(known.iter().any(|peer| peer.peer == keys[0] && peer.addresses == [alice_at]), "{known:?}");
    until(&mut [&mut alice, &mut bob], "it is back", |nodes| {
        nodes[0].is_online(bob_is) && nodes[1].words().len() == 2
    });
}

/// A frame loop that stands still holds up the network, and loses nothing.
#[test]
fn a_slow_frame_loop_loses_nothing() {
    let (folders, members) = folders(2);
    let mut nodes: Vec<_> =
        folders.iter().map(|folder| Setup::new(folder.path(), &members).start()).collect();
    let [alice, bob] = &mut nodes[..] else { unreachable!() };
    alice.knows(bob);
    until(&mut [alice, bob], "they are connected", |nodes| {
        nodes[0].is_online(nodes[1].peer()) && nodes[1].is_online(nodes[0].peer())
    });
    // Far more than all windows and the queue hold.
    let long = "x".repeat(32 << 10);
    for _ in 0..200 {
        alice.commit(&long);
    }
    // No frame runs there meanwhile.
    std::thread::sleep(Duration::from_secs(1));
    until(&mut [alice, bob], "all words are here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 200)
    });
    let seen = (alice.seen_since_online(bob.peer()), bob.seen_since_online(alice.peer()));
    assert_eq!(seen, (vec![Seen::Online], vec![Seen::Online]));
}

/// A frame has a budget of 4,096 operations to redo: what is beyond it is a job, without which the state stays as it was.
#[test]
fn more_than_a_frame_may_redo_comes_to_be_there() {
    const WORDS: usize = 6_000;
    let (folders, members) = folders(2);
    let mut alice = Setup::new(folders[0].path(), &members).start();
    for number in 0..WORDS {
        alice.app.replica.commit(format!("a{number}"));
    }
    alice.frame();
    let mut bob = Setup::new(folders[1].path(), &members).start();
    // Of the time of the first of the others: there it is put before all but one.
    bob.commit("b");
    bob.knows(&mut alice);
    until(&mut [&mut alice, &mut bob], "all words are here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == WORDS + 1)
    });
    assert_eq!(alice.words(), bob.words());
}
