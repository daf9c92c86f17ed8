//! What cannot be taken back is done once, by its author's replica, when it is final.

use std::collections::BTreeMap;

use control_panel::{Peer, Replica, Stamp, State};

#[derive(Clone, Debug, PartialEq)]
enum Shop {
    Order(&'static str),
    Cancel(&'static str),
}

#[derive(Clone, Default, Debug, PartialEq)]
struct Orders(BTreeMap<&'static str, Stamp>);

impl State for Orders {
    type Op = Shop;

    fn apply(&mut self, op: &Shop, stamp: &Stamp) {
        match op {
            Shop::Order(item) => {
                self.0.entry(item).or_insert(*stamp);
            }
            Shop::Cancel(item) => {
                self.0.remove(item);
            }
        }
    }
}

fn exchange(replicas: &mut [Replica<Orders>]) {
    let deltas: Vec<_> = replicas.iter_mut().map(Replica::outbox).collect();
    for (from, delta) in deltas.into_iter().enumerate() {
        for (to, replica) in replicas.iter_mut().enumerate() {
            if let (true, Some(delta)) = (from != to, &delta) {
                replica.merge(delta.clone());
            }
        }
    }
    for replica in replicas {
        let _ = replica.settle();
    }
}

fn group(count: u8) -> Vec<Replica<Orders>> {
    let members: Vec<_> = (1..=count).map(|n| Peer([n; 32])).collect();
    members.iter().map(|peer| Replica::new(*peer, members.clone(), Orders::default())).collect()
}

#[test]
fn an_effect_waits_until_every_member_has_it() {
    let mut replicas = group(3);
    let stamp = replicas[0].commit(Shop::Order("lamp"));
    assert!(replicas[0].settled_ops().is_empty());
    // The third member is away: nothing is final.
    for _ in 0..5 {
        exchange(&mut replicas[..2]);
        assert!(replicas[0].settled_ops().is_empty());
    }
    for replica in 0..2 {
        let delta = replicas[replica].since(&replicas[2].version().clone());
        replicas[2].merge(delta);
    }
    let mut performed = Vec::new();
    for _ in 0..6 {
        exchange(&mut replicas);
        performed.extend(replicas.iter_mut().enumerate().flat_map(|(n, replica)| {
            replica.settled_ops().into_iter().map(move |(stamp, op)| (n, stamp, op))
        }));
    }
    assert_eq!(performed, [(0, stamp, Shop::Order("lamp"))], "once, and by the author alone");
    assert!(replicas.iter().all(|replica| replica.watermark() >= stamp.lamport));
}

/// The state says whether an effect is still wanted; the stamp says for which operation.
#[test]
fn what_was_cancelled_meanwhile_is_not_performed() {
    let mut replicas = group(2);
    let stamp = replicas[0].commit(Shop::Order("lamp"));
    replicas[1].commit(Shop::Cancel("lamp"));
    for _ in 0..6 {
        exchange(&mut replicas);
    }
    assert_eq!(replicas[0].state(), replicas[1].state());
    assert_eq!(replicas[0].settled_ops(), [(stamp, Shop::Order("lamp"))]);
    assert_eq!(replicas[0].state().0.get("lamp"), None, "the cancellation sorts after it");
}

#[test]
fn a_quiet_group_stops_talking() {
    let mut replicas = group(3);
    replicas[1].commit(Shop::Order("book"));
    for _ in 0..20 {
        exchange(&mut replicas);
    }
    assert!(replicas.iter_mut().all(|replica| replica.outbox().is_none()));
}
