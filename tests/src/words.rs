//! The state of the replicas in tests of journals: words in the order that all agree on.

use control_panel::{Stamp, State};
use serde::{Deserialize, Serialize};

/// The words.
#[derive(Clone, Debug, Default, Hash, PartialEq, Serialize, Deserialize)]
pub struct Words(pub Vec<String>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        self.0.push(word.clone());
    }
}
