//! One peer's program: intents, a reducer, and the worker that listens to the network.

use std::collections::BTreeMap;

use control_panel::{
    Context, Delta, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica, Version,
    intent::LogicalClock, worker,
};

use crate::{
    air::Packet,
    list::{Edit, List},
};

#[derive(Debug, GraphIntent)]
pub(crate) enum Update {
    /// By this program's own user.
    Typed(Edit),
    /// Ordered within a frame by what it declares.
    #[intent(clock = lamport_clock, origin = delta)]
    ApplyRemoteDelta { lamport_clock: u64, delta: Delta<Edit> },
    /// What another peer has.
    PeerHas { peer: Peer, version: Version },
}

impl From<Packet> for Update {
    fn from(packet: Packet) -> Self {
        match packet {
            // An empty delta has no clock; the replica ignores it.
            Packet::Delta(delta) => {
                Self::ApplyRemoteDelta { lamport_clock: delta.time().unwrap_or(1), delta }
            }
            Packet::Has(peer, version) => Self::PeerHas { peer, version },
        }
    }
}

#[worker(source = IntentSource::P2pSync, inbox = Packet)]
pub(crate) async fn receive(cx: Context<Update>) {
    let mut inbox = cx.inbox::<Packet>();
    while let Some(packet) = inbox.recv().await {
        if cx.send(packet.into()).await.is_err() {
            return;
        }
    }
}

pub(crate) struct App {
    /// Shared: only operations change it.
    list: Replica<List>,
    /// Local: what others said they have, since the last answer.
    asked: BTreeMap<Peer, Version>,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Typed(edit) => {
                self.list.commit(edit);
            }
            Update::ApplyRemoteDelta { delta, .. } => {
                self.list.merge(delta);
            }
            Update::PeerHas { peer, version } => {
                self.asked.insert(peer, version);
            }
        }
    }

    fn settle(&mut self) {
        // What it redid is in the frame's report.
        let settled = self.list.settle();
        // More than a frame pays for comes only after a thousand frames without a packet. A program that draws runs it on a worker, as
        // `graph_browser` does.
        if let Some(job) = settled.job {
            self.list.finish(job.run());
        }
    }
}

impl App {
    pub(crate) fn new(me: Peer, peers: [Peer; 3]) -> Self {
        Self { list: Replica::new(me, peers, List::default()), asked: BTreeMap::new() }
    }

    pub(crate) fn list(&self) -> &List {
        self.list.state()
    }

    pub(crate) fn version(&self) -> &Version {
        self.list.version()
    }

    /// What the last frame added.
    pub(crate) fn outbox(&mut self) -> Option<Delta<Edit>> {
        self.list.outbox()
    }

    pub(crate) fn heartbeat(&self) -> Packet {
        Packet::Has(self.list.author().peer, self.list.version().clone())
    }

    /// For each that said what it has: what it lacks.
    pub(crate) fn answers(&mut self) -> Vec<(Peer, Delta<Edit>)> {
        let asked = std::mem::take(&mut self.asked);
        let answers = asked.into_iter().map(|(peer, version)| (peer, self.list.since(&version)));
        answers.filter(|(_, delta)| !delta.is_empty()).collect()
    }
}
