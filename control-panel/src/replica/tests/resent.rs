//! What a replica is asked for, and what it gives.

use super::forger::{builder, delta, first, peer, replica, run};
use crate::replica::{Author, Version, run::Header};

/// A program that sends what is new since the version that it kept: what was in no run yet counted in that, and is not sent again.
#[test]
fn what_a_version_counts_is_not_sent_again() {
    let mut group: Vec<_> = (1..=2).map(|number| replica(number, 2)).collect();
    let mut kept = Version::new();
    for letter in 'a'..='j' {
        group[0].commit(letter);
        let _ = group[0].settle();
        let news = group[0].since(&kept);
        kept = group[0].version().clone();
        assert_eq!(news.operations().map(|(_, letter)| *letter).collect::<Vec<_>>(), [letter]);
        group[1].merge(news);
        let _ = group[1].settle();
    }
    assert_eq!((group[0].state(), &*group[1].state().0), (group[1].state(), "abcdefghij"));
}

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
