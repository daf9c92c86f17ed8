//! What an acknowledgement waits for.

use super::forger::{builder, delta, first, peer, replica, run};
use crate::replica::{Author, Version, run::Header};

/// An acknowledgement that waits for what is missing of this author is made, whatever its other lives say meanwhile.
#[test]
fn an_acknowledgement_that_waits_is_made_though_another_life_spoke() {
    let life = |incarnation| Author { peer: peer(2), incarnation };
    let mut group = [replica(1, 2), builder(2, 2).build()];
    for letter in ['a', 'b', 'c'] {
        group[0].commit(letter);
    }
    let news = group[0].since(&Version::new());
    group[1].merge(news);
    group[1].merge(delta([run(Header { author: life(1), ..first(2, 2) }, "x")]));
    group[1].remember(&Version::from_iter([(life(0), 5)]));
    let _ = group[1].settle();
    assert!(group[1].outbox().is_none(), "it waits");
    // It is of the time of the other: this brings no progress.
    group[1].merge(delta([run(Header { author: life(2), ..first(2, 2) }, "y")]));
    for _ in 0..700 {
        let _ = group[1].settle();
        if let Some(acknowledged) = group[1].outbox() {
            assert_eq!(acknowledged.operations().count(), 0);
            return;
        }
    }
    panic!("it is never made");
}
