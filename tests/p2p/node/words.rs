//! What is shared, and what a frame is given.

use std::sync::Mutex;

use control_panel::{
    Delta, GraphIntent, Stamp, State,
    replica::Redone,
    workers::p2p_sync::{PeerMisbehaved, PeerOffline, PeerOnline, PeerPresence, PeerRemembers, PeerSnapshot},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        assert!(word != "poison", "as a reducer's own fault may have it");
        self.0.push(word.clone());
    }
}

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
pub(crate) enum Update {
    /// This program's own word.
    Say(String),
    /// Lets history go.
    Cut,
    #[intent(from)]
    Redone(Redone<Words>),
    #[intent(clock = delta, origin = delta, from)]
    ApplyRemoteDelta { delta: Delta<String> },
    #[intent(from)]
    MarkPeerOffline(PeerOffline),
    #[intent(from)]
    MarkPeerOnline(PeerOnline),
    #[intent(from)]
    PeerMisbehaved(PeerMisbehaved),
    #[intent(from)]
    PeerSnapshot(PeerSnapshot<Words>),
    #[intent(from)]
    PeerRemembers(PeerRemembers),
    #[intent(latest = 0, skip)]
    #[serde(skip)]
    PeerPresence(PeerPresence),
}

/// What a worker panicked over.
static PANICKED: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// Of what begins with `panics` the worker does, once.
impl From<PeerPresence> for Update {
    fn from(presence: PeerPresence) -> Self {
        let bytes = presence.bytes[..].into();
        let mut panicked = PANICKED.lock().unwrap();
        if presence.bytes.starts_with(b"panics") && !panicked.contains(&bytes) {
            panicked.push(bytes);
            drop(panicked);
            panic!("as the program's own code may");
        }
        Self::PeerPresence(presence)
    }
}
