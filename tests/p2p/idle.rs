//! What a peer costs that is in contact and has nothing to say.

use crate::{
    node::{Setup, folders},
    process::{Process, free_port},
    raw::{HAVE, Line, Raw},
};

const PEERS: usize = 24;

/// In the program's memory, all of it: its session, its connection, its place in the trust store.
#[test]
fn a_connected_idle_peer_costs_at_most_256_kib() {
    let (folders, members) = folders(PEERS + 1);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let at = free_port();
    let alice = Process::start(&Setup { bind: at, ..setups[0].clone() });
    let connect = |setup: &Setup| -> (Raw, Line) {
        let raw = Raw::of(setup);
        let line = raw.dial(members[0], at);
        line.greet();
        line.wait_for(HAVE);
        (raw, line)
    };
    // What the first connection brings for all others is there then.
    let mut connected = vec![connect(&setups[1])];
    alice.wait_for("it is online", |alice| alice.is_online(members[1]));
    let before = alice.memory();
    connected.extend(setups[2..].iter().map(connect));
    for member in &members[1..] {
        alice.wait_for("it is online", |alice| alice.is_online(*member));
    }
    let each = alice.memory().saturating_sub(before) / (PEERS as u64 - 1);
    println!("{each} KiB for each connected idle peer");
    assert!(each <= 256, "{each} KiB");
}
