//! Rows 24, 26: states that should be the same, and are not.

use control_panel::{
    Peer,
    replica::{Grant, ReplicaNotice},
};

use crate::{
    node::{Node, Setup, Update, digest_of, folders, for_a_while, pair, until},
    snapshots::forgetful,
};

/// At each 1,024th Lamport time states are compared, once nothing before that changes any more.
const LEVEL: u64 = 1_024;

/// Whose states it found to differ, in which it is at fault where it stands alone.
fn differs(node: &Node) -> Vec<Peer> {
    let of = |notice: &ReplicaNotice| match notice {
        ReplicaNotice::Desync { peer, at, ours, theirs, .. } => {
            assert!(ours != theirs && at % LEVEL == 0);
            Some(*peer)
        }
        _ => None,
    };
    let mut peers: Vec<_> = node.app.notices.iter().filter_map(of).collect();
    peers.sort_unstable();
    peers
}

fn say(node: &mut Node, words: u64) {
    for _ in 0..words / 50 {
        node.frame_of((0..50).map(|_| Update::Say("word".to_owned())));
    }
}

/// One of three has another state of the same words: it is named by both others, it names both, and the two do not name each other. Once each.
#[test]
fn row_24_a_state_that_differs_is_named_once_by_each_other() {
    let (folders, members) = folders(3);
    let setup = |me: usize| Setup {
        begins: vec![if me == 1 { "another" } else { "the same" }.to_owned()],
        digest: Some(digest_of),
        ..Setup::new(folders[me].path(), &members)
    };
    let [mut alice, mut bob, mut carol] = [0, 1, 2].map(|me| setup(me).start());
    bob.knows(&mut alice);
    carol.knows(&mut alice);
    say(&mut alice, LEVEL + 100);
    say(&mut bob, 100);
    until(&mut [&mut alice, &mut bob, &mut carol], "it is found", |nodes| {
        nodes.iter().zip([1, 2, 1]).all(|(node, others)| differs(node).len() >= others)
    });
    for_a_while(&mut [&mut alice, &mut bob, &mut carol], std::time::Duration::from_secs(1));
    assert_eq!(differs(&alice), [members[1]]);
    assert_eq!(differs(&bob), [members[0], members[2]]);
    assert_eq!(differs(&carol), [members[1]]);
    let agreed = |notice: &ReplicaNotice| matches!(notice, ReplicaNotice::Desync { agreed: 0, .. });
    assert!(alice.app.notices.iter().all(agreed), "nothing else is reported: {:?}", alice.app.notices);
}

/// One begins with what a member gives, which is not what the others have: until a second member's digest is equal it is provisional, and that one's is not.
#[test]
fn row_26_a_snapshot_that_lies_is_found_with_a_second_member() {
    for lies in [true, false] {
        let (folders, keys) = folders(3);
        let setup = |me: usize| Setup {
            journal: me == 1,
            begins: vec![if lies && me == 0 { "a lie" } else { "the truth" }.to_owned()],
            digest: Some(digest_of),
            ..Setup::new(folders[me].path(), &keys[..2])
        };
        let setups = [0, 1, 2].map(setup);
        let [mut giver, second] = forgetful(&setups, &keys, 20);
        second.stop();
        let mut carol = setups[2].start();
        pair(&mut giver, &mut carol, Grant::Write);
        until(&mut [&mut giver, &mut carol], "it has begun", |nodes| {
            nodes[1].app.rejoined == 1 && nodes[1].words() == nodes[0].words()
        });
        assert!(carol.app.replica.is_provisional(), "only its giver says so");
        assert_eq!(carol.words()[0], setups[0].begins[0]);

        let mut second = setups[1].start();
        second.knows(&mut giver);
        say(&mut carol, LEVEL);
        say(&mut giver, LEVEL / 2);
        say(&mut second, LEVEL / 2);
        let nodes = &mut [&mut giver, &mut second, &mut carol];
        if lies {
            until(nodes, "it is found", |nodes| differs(nodes[2]).contains(&keys[1]));
            assert!(carol.app.replica.is_provisional());
            assert!(!differs(&carol).contains(&keys[0]), "its giver says the same still");
        } else {
            until(nodes, "it is confirmed", |nodes| !nodes[2].app.replica.is_provisional());
            assert_eq!(differs(&carol), []);
        }
    }
}
