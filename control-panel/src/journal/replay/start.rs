//! What a session begins with.

use std::sync::Arc;

use crate::{
    journal::{Fault, Journal, JournalError},
    replica::{
        Replica, ReplicaBuilder, State,
        codec::{RunBytes, replayed_delta},
    },
};

/// What a session begins with, for [`Recorded::begin`](super::Recorded::begin): an open journal, or what a replay knows of that moment.
#[derive(Debug)]
pub struct Start<'a>(Kind<'a>);

#[derive(Debug)]
enum Kind<'a> {
    Live(&'a Journal),
    Replayed(&'a Past),
}

/// What a replica had when a recorded session began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// As which life it went on; `None` if it never wrote.
    pub(crate) incarnation: Option<u32>,
    pub(crate) runs: Vec<RunBytes>,
}

impl<'a> Start<'a> {
    pub(crate) fn live(journal: &'a Journal) -> Self {
        Self(Kind::Live(journal))
    }

    pub(crate) fn replayed(past: &'a Past) -> Self {
        Self(Kind::Replayed(past))
    }

    /// Whether this is a replay: for what a program shows, such as a progress bar. What `begin` returns must not depend on it.
    pub fn is_replay(&self) -> bool {
        matches!(self.0, Kind::Replayed(_))
    }

    /// The replica, with all that earlier sessions promised. It needs a [codec](ReplicaBuilder::codec).
    ///
    /// # Errors
    /// In a replay, if a run cannot be read.
    #[cfg(test)]
    pub(crate) fn replica<S: State>(&self, builder: ReplicaBuilder<S>) -> Result<Replica<S>, JournalError> {
        match self.0 {
            Kind::Live(_) => unreachable!("tests replay"),
            Kind::Replayed(past) => past.replica(builder).map_err(|fault| fault.at("a replay".as_ref())),
        }
    }
}

#[cfg(test)]
impl Past {
    fn replica<S: State>(&self, builder: ReplicaBuilder<S>) -> Result<Replica<S>, Fault> {
        let builder = match self.incarnation {
            Some(incarnation) => builder.incarnation(incarnation),
            None => builder,
        };
        let mut replica = builder.build();
        if !self.runs.is_empty() {
            let runs: Arc<[RunBytes]> = self.runs.clone().into();
            replica.merge(replayed_delta(&runs).map_err(Fault::damaged)?);
        }
        let mut settled = replica.settle();
        while let Some(job) = settled.job.take() {
            replica.finish(job.run());
            settled = replica.settle();
        }
        Ok(replica)
    }
}
