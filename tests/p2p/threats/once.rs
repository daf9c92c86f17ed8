//! Rows 29, 33: what is done once.

use std::{
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    Peer,
    journal::{EffectState, Fault, Journal},
};

use crate::{
    node::{LONG, Node, Setup, folders, for_a_while, until},
    process::Process,
};

/// Both would write as one author: the second ends before it has said a word to anyone, and names the first.
#[test]
fn row_29_a_second_process_on_one_journal_ends_and_disturbs_no_contact() {
    let (folders, members) = folders(2);
    let mut alice = Setup::new(folders[0].path(), &members).start();
    let known = vec![(members[0], alice.address())];
    let bob = Setup { journal: true, known, ..Setup::new(folders[1].path(), &members) };
    let mut first = Process::start(&bob);
    until(&mut [&mut alice], "both are online", |nodes| {
        nodes[0].is_online(members[1]) && first.is_online(members[0])
    });
    let before = alice.seen_of(members[1]).len();
    let (succeeded, printed) = Process::run_to_its_end(&bob);
    assert!(!succeeded && printed.contains(&format!("InUse {{ pid: Some({})", first.id())), "{printed}");
    assert!(!printed.contains("\nruns "), "it is bound to nothing: {printed}");
    let error = Journal::open(folders[1].path().join("words.journal")).unwrap_err();
    assert!(matches!(error.fault(), Fault::InUse { pid, .. } if *pid == Some(first.id())), "{error:?}");
    first.say("word still");
    until(&mut [&mut alice], "the first goes on", |nodes| nodes[0].words() == ["still"]);
    assert_eq!(alice.seen_of(members[1]).len(), before, "{:?}", alice.seen_of(members[1]));
    assert!(alice.app.notices.is_empty(), "{:?}", alice.app.notices);
}

/// Sends a mail for each word that is final, as `settled_ops` says to.
fn mail(node: &mut Node, sent: &mut Vec<(Peer, String)>) -> Vec<EffectState> {
    let peer = node.peer();
    let journal = node.journal.clone().unwrap();
    let settled = node.app.replica.settled_ops().into_iter();
    let states = settled.map(|(stamp, word)| {
        let state = journal.begin_effect(stamp).unwrap();
        if state == EffectState::Begun {
            sent.push((peer, word.clone()));
            // One program ends between the two.
            if word != "interrupted" {
                journal.effect_done(stamp).unwrap();
            }
        }
        state
    });
    states.collect()
}

fn mail_until(nodes: &mut [&mut Node], sent: &mut Vec<(Peer, String)>, count: usize) {
    let began = Instant::now();
    while sent.len() < count {
        assert!(began.elapsed() < LONG, "{sent:?}");
        for node in nodes.iter_mut() {
            node.frame();
            mail(node, sent);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// All have all words, and each performs its own alone; after a restart those that were begun are not begun again.
#[test]
fn row_33_an_effect_is_its_authors_alone_and_a_restart_repeats_none() {
    let (folders, members) = folders(2);
    let setup = |me: usize| Setup { journal: true, ..Setup::new(folders[me].path(), &members) };
    let (mut alice, mut bob) = (setup(0).start(), setup(1).start());
    bob.knows(&mut alice);
    // It is asked from the first frame on.
    let mut sent = Vec::new();
    assert_eq!((mail(&mut alice, &mut sent), mail(&mut bob, &mut sent)), (vec![], vec![]));
    alice.commit("of alice");
    bob.commit("of bob");
    bob.commit("interrupted");
    mail_until(&mut [&mut alice, &mut bob], &mut sent, 3);
    sent.sort_unstable();
    let word = |of: usize, word: &str| (members[of], word.to_owned());
    let all = [word(0, "of alice"), word(1, "interrupted"), word(1, "of bob")];
    assert_eq!(sent, all);
    for_a_while(&mut [&mut alice, &mut bob], Duration::from_millis(300));
    assert_eq!((mail(&mut alice, &mut sent), mail(&mut bob, &mut sent)), (vec![], vec![]));

    bob.stop();
    let mut bob = setup(1).start();
    bob.knows(&mut alice);
    until(&mut [&mut alice, &mut bob], "it is back", |nodes| nodes[1].is_online(members[0]));
    // Handed out again, as no one says how far it came; and found in the ledger.
    assert_eq!(mail(&mut bob, &mut sent), [EffectState::Done, EffectState::Interrupted]);
    bob.commit("new");
    mail_until(&mut [&mut alice, &mut bob], &mut sent, 4);
    assert_eq!(sent[3], word(1, "new"));
    for_a_while(&mut [&mut alice, &mut bob], Duration::from_millis(300));
    assert_eq!((mail(&mut alice, &mut sent), mail(&mut bob, &mut sent)), (vec![], vec![]));
}
