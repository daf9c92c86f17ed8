//! What a program does with what it is given.

use std::hash::{DefaultHasher, Hash, Hasher};

use control_panel::{
    Peer, QueuedIntent, Reducer, Replica,
    journal::{JournalError, Recorded, Start},
    replica::{
        Grant, Redo, ReplicaBuilder, ReplicaNotice,
        codec::{Limits, Postcard},
    },
    workers::p2p_sync::{
        OfflineReason, PeerMisbehaved, PeerOffline, PeerOnline, PeerPresence, PeerRemembers, PeerSnapshot,
    },
};

use super::words::{Update, Words};

/// What was reported of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Online,
    Offline(OfflineReason),
}

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) replica: Replica<Words>,
    /// What a frame had no time for.
    pub(super) job: Option<Redo<Words>>,
    pub(crate) seen: Vec<(Peer, Seen)>,
    /// What the replica reported.
    pub(crate) notices: Vec<ReplicaNotice>,
    pub(crate) misbehaved: Vec<PeerMisbehaved>,
    pub(crate) presence: Vec<(Peer, Vec<u8>)>,
    /// How often it went on from a snapshot.
    pub(crate) rejoined: u32,
    /// How often a peer had what its own author had lost.
    pub(crate) remembered: u32,
    /// How often contact came and went without a report of its own.
    pub(crate) flapped: u32,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Say(word) => _ = self.replica.commit(word),
            Update::Cut => _ = self.replica.cut(),
            Update::Redone(redone) => _ = self.replica.finish(redone),
            Update::ApplyRemoteDelta { delta } => self.replica.merge(delta),
            Update::MarkPeerOffline(PeerOffline { peer, reason, flapped, .. }) => {
                self.flapped += flapped;
                self.seen.push((peer, Seen::Offline(reason)));
            }
            Update::MarkPeerOnline(PeerOnline { peer, invited, flapped, .. }) => {
                self.flapped += flapped;
                self.seen.push((peer, Seen::Online));
                if let Some(grant) = invited {
                    self.replica.invite(peer, grant).ok();
                }
            }
            Update::PeerMisbehaved(misbehaved) => self.misbehaved.push(misbehaved),
            Update::PeerSnapshot(PeerSnapshot { snapshot, .. }) => {
                self.rejoined += 1;
                self.replica.rejoin(*snapshot).unwrap();
            }
            Update::PeerRemembers(PeerRemembers { version, .. }) => {
                self.remembered += 1;
                self.replica.remember(&version);
            }
            Update::PeerPresence(PeerPresence { peer, bytes, .. }) => {
                self.presence.push((peer, bytes.to_vec()));
            }
        }
    }

    fn settle(&mut self) {
        let settled = self.replica.settle();
        self.job = settled.job.or(self.job.take());
        if settled.notices.iter().any(|notice| matches!(notice, ReplicaNotice::OwnVoid { .. })) {
            // What another life of this peer had promised voids what this one wrote before it heard of that.
            self.commit_again();
        }
        self.notices.extend(settled.notices);
        drop(self.replica.outbox());
    }

    fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        (&self.words().0, self.replica.version().encode(), self.replica.clock()).hash(&mut hasher);
        (self.replica.author(), &self.misbehaved.len(), self.seen.len(), self.rejoined).hash(&mut hasher);
        Some(hasher.finish())
    }
}

impl App {
    fn words(&self) -> &Words {
        self.replica.state()
    }

    /// As long as it may. Another life may be another program, which does so itself.
    fn commit_again(&mut self) {
        let me = self.replica.author();
        if self.replica.members().any(|(member, grant)| member == me.peer && grant >= Grant::Write) {
            for (stamp, word) in self.replica.take_void() {
                if stamp.author == me {
                    self.replica.commit(word);
                }
            }
        }
    }

    pub(super) fn begin_as(start: &Start<'_>, builder: ReplicaBuilder<Words>) -> Result<Self, JournalError> {
        start.replica(builder).map(Self::of)
    }

    pub(super) fn of(replica: Replica<Words>) -> Self {
        let (seen, notices, misbehaved, presence) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            replica,
            job: None,
            seen,
            notices,
            misbehaved,
            presence,
            rejoined: 0,
            remembered: 0,
            flapped: 0,
        }
    }
}

/// As a replay begins: with no key.
impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let founded = start.founded().expect("the journal has a replica");
        let builder = Replica::builder(founded.peer, Words::default()).members(founded.members.into_keys());
        Self::begin_as(start, builder.codec(Postcard::new(), Limits::default()))
    }
}
