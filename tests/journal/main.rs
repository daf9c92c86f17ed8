//! What a journal promises: nothing that was durable is lost, no number is used twice, whatever ends the program.

mod compaction;
mod effects;
mod identity;
mod keys;
mod killed;
mod length;
mod schema;
mod serving;
mod writer;

use std::path::Path;

use control_panel::{
    Peer, Replica,
    journal::{Journal, JournalError},
    replica::{
        ReplicaBuilder,
        codec::{Limits, Postcard},
    },
};
use tests::words::Words;

const HERE: Peer = Peer([1; 32]);
const THERE: Peer = Peer([2; 32]);

fn builder(peer: Peer) -> ReplicaBuilder<Words> {
    Replica::builder(peer, Words::default()).codec(Postcard::new(), Limits::default())
}

/// A start of a program: its journal, and the replica in it.
fn start(path: &Path) -> Result<(Journal, Replica<Words>), JournalError> {
    let journal = Journal::open(path)?;
    let replica = journal.replica(builder(HERE))?;
    Ok((journal, replica))
}

/// One frame that commits a word.
fn frame(replica: &mut Replica<Words>, word: &str) {
    replica.commit(word.to_owned());
    let _ = replica.settle();
}
