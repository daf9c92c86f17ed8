//! Remarks on pages, which this program and its peers make: the part of the state that is shared.

use std::collections::BTreeMap;

use control_panel::{
    Peer, Replica, Stamp, State,
    replica::{
        ReplicaBuilder,
        codec::{Limits, Postcard},
    },
};
use serde::{Deserialize, Serialize};

pub(crate) const HERE: Peer = Peer([1; 32]);
pub(crate) const THERE: Peer = Peer([2; 32]);

/// By page, in the order that all agree on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remarks(pub(crate) BTreeMap<u32, Vec<String>>);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Remark {
    pub(crate) page: u32,
    pub(crate) text: String,
}

impl State for Remarks {
    type Op = Remark;

    fn apply(&mut self, Remark { page, text }: &Remark, _: &Stamp) {
        self.0.entry(*page).or_default().push(text.clone());
    }
}

pub(crate) fn builder(peer: Peer) -> ReplicaBuilder<Remarks> {
    let builder = Replica::builder(peer, Remarks::default()).members([HERE, THERE]);
    builder.codec(Postcard::new(), Limits::default())
}
