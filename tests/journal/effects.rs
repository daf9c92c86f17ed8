//! No effect twice.

use control_panel::{
    Stamp,
    journal::{EffectState, Journal},
};

use crate::{HERE, builder, frame, start};

#[test]
fn an_effect_is_begun_once_whatever_ends_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let (journal, mut replica) = start(&path).unwrap();
    // Alone in its group: what is committed is final with the frame that finds it durable.
    let _ = replica.settled_ops();
    frame(&mut replica, "a lamp");
    frame(&mut replica, "a chair");
    journal.flush().unwrap();
    assert_eq!(replica.settled_ops(), [], "no frame has found out");
    let _ = replica.settle();
    let orders: Vec<Stamp> = replica.settled_ops().into_iter().map(|(stamp, _)| stamp).collect();
    assert_eq!(orders.len(), 2);
    assert_eq!(journal.begin_effect(orders[0]).unwrap(), EffectState::Begun);
    journal.effect_done(orders[0]).unwrap();
    assert_eq!(journal.begin_effect(orders[1]).unwrap(), EffectState::Begun);
    // The program stops before it knows.
    drop((journal, replica));

    let journal = Journal::open(&path).unwrap();
    let mut replica = journal.replica(builder(HERE)).unwrap();
    let again: Vec<Stamp> = replica.settled_ops().into_iter().map(|(stamp, _)| stamp).collect();
    assert_eq!(again, orders, "handed out again, and found in the ledger");
    assert_eq!(journal.begin_effect(orders[0]).unwrap(), EffectState::Done);
    assert_eq!(journal.begin_effect(orders[1]).unwrap(), EffectState::Interrupted);
}
