//! What a replica shows to workers: once a frame, without waiting for any of them.

#[cfg(feature = "codec")]
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    Author, Delta, Peer, Replica, RunHash, Snapshot, State, Version,
    keeper::{DurableRuns, Kept},
    run::Grant,
};
#[cfg(feature = "codec")]
use super::{
    Verifier,
    codec::{Codec, Limits},
};

/// Takes what changed. Implemented by the link.
pub(crate) trait Publish<S: State>: Send + Sync {
    /// Called at the end of each settle and each outbox. Never waits.
    fn publish(&mut self, replica: &mut Replica<S>);
}

/// How a replica reads bytes of peers.
#[cfg(feature = "codec")]
pub(crate) struct Reads<Op> {
    pub(crate) codec: Arc<dyn Codec<Op>>,
    pub(crate) limits: Limits,
    /// `None`: signatures are not checked.
    pub(crate) verifier: Option<Arc<dyn Verifier>>,
}

impl<S: State> Replica<S> {
    pub(crate) fn set_publisher(&mut self, publisher: Box<dyn Publish<S>>) {
        self.publisher = Some(publisher);
        self.publish();
    }

    #[inline]
    pub(super) fn publish(&mut self) {
        if self.publisher.is_some() {
            self.publish_now();
        }
    }

    #[inline(never)]
    fn publish_now(&mut self) {
        // What is kept was sealed by the flush.
        if self.kept.is_none() {
            self.seal();
        }
        if let Some(mut publisher) = self.publisher.take() {
            publisher.publish(self);
            self.publisher = Some(publisher);
        }
    }

    /// What is admitted and handed to the keeper. Costs nothing.
    pub(crate) fn admitted(&self) -> &Version {
        self.graph.version()
    }

    /// Another number whenever the members are others.
    pub(crate) fn members_version(&self) -> u64 {
        self.membership.version()
    }

    pub(crate) fn members_list(&self) -> Arc<[(Peer, Grant)]> {
        self.members().collect()
    }

    /// What the keeper must have made durable for all that is admitted to be; `None` while it has not taken all. 0 without one.
    pub(crate) fn handed_over(&self) -> Option<u64> {
        self.kept.as_ref().map_or(Some(0), Kept::handed_over)
    }

    /// What reads the runs that the keeper has; `None` without a keeper, and with one that nothing is read from.
    pub(crate) fn durable_runs(&self) -> Option<Arc<dyn DurableRuns>> {
        self.kept.as_ref().and_then(Kept::durable_runs)
    }

    /// Runs that end at or below it may be gone.
    pub(crate) fn forgotten_level(&self) -> u64 {
        self.graph.level()
    }

    /// Below which counts runs are gone: a replica that has less of an author needs a snapshot.
    pub(crate) fn forgotten(&self) -> Version {
        self.graph.forgotten()
    }

    /// Admitted runs that a replica of that version lacks, those that no signature covers yet included.
    pub(crate) fn admitted_since(&self, version: &Version) -> Delta<S::Op> {
        Delta::of(self.graph.since(version))
    }

    /// A snapshot, if one can be given without making a run of this replica's own: a replay of this frame makes none. Else in a later frame.
    pub(crate) fn given_snapshot(&mut self) -> Option<Snapshot<S>> {
        let is_behind = self.sendable() < self.graph.own_next_seq();
        if self.cut_off || is_behind {
            return None;
        }
        Some(self.take_snapshot())
    }

    /// Which life of which peer it is, and the hash that names its group.
    pub(crate) fn whose(&self) -> (Author, RunHash) {
        (self.me, self.graph.genesis())
    }

    /// The members that its group began with.
    #[cfg(feature = "codec")]
    pub(crate) fn founders(&self) -> &BTreeMap<Peer, Grant> {
        self.membership.genesis()
    }

    /// What reads operations, and what checks that their authors wrote them. `None` without a codec.
    #[cfg(feature = "codec")]
    pub(crate) fn reads(&self) -> Option<Reads<S::Op>> {
        let (codec, limits) = self.identify.codec()?;
        Some(Reads { codec: Arc::clone(codec), limits: *limits, verifier: self.verifier.clone() })
    }
}
