//! The state that tests of replicas share: words in the order that all agree on.

use serde::{Deserialize, Serialize};

use crate::replica::{Stamp, State};

#[derive(Clone, Debug, Default, Hash, PartialEq, Serialize, Deserialize)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        self.0.push(word.clone());
    }
}
