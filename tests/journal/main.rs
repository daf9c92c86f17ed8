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
    Peer, Replica, Stamp, State,
    journal::{Journal, JournalError},
    replica::{
        ReplicaBuilder,
        codec::{Limits, Postcard},
    },
};
use serde::{Deserialize, Serialize};

const HERE: Peer = Peer([1; 32]);
const THERE: Peer = Peer([2; 32]);

#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
struct Words(Vec<String>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        self.0.push(word.clone());
    }
}

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
