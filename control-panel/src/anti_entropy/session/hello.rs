//! What is said first: whether the session may go on, and what it finds out by that.

use std::time::Duration;

use super::{
    super::{
        end::{Breach, End, Event, OwnAuthorAhead},
        message::Hello,
        options::{BRANCHES, LIVES, Local, VERSIONS},
        payload::Payload,
    },
    Session,
};
use crate::replica::Version;

impl<P: Payload> Session<P> {
    pub(super) fn hello(&self, ours: &Version) -> Hello {
        let Local { group, .. } = self.local;
        let capabilities = self.options.capabilities;
        Hello { versions: VERSIONS, capabilities, group, yours: ours.of(self.peer) }
    }

    pub(super) fn hear(&mut self, hello: Hello, ours: &Version, now: Duration) -> Result<Event<P>, End> {
        let Hello { versions: theirs, capabilities, group, yours } = hello;
        let version = *VERSIONS.end().min(theirs.end());
        if version < *VERSIONS.start().max(theirs.start()) {
            return Err(End::Version { ours: VERSIONS, theirs });
        }
        let here = self.options.capabilities;
        let unknown = capabilities.required & !(here.required | here.optional);
        if unknown != 0 {
            return Err(End::Capability { unknown });
        }
        if group != self.local.group {
            return Err(End::OtherGroup);
        }
        let foreign = yours.iter().any(|(author, _)| author.peer != self.local.me);
        if foreign || yours.iter().count() > LIVES || !branches(&yours) {
            return Err(End::Misbehaved(Breach::Authors));
        }
        self.ready = Some(now);
        let ahead =
            (!ours.covers(&yours)).then(|| OwnAuthorAhead { ours: ours.of(self.local.me), theirs: yours });
        let offered = here.required | here.optional;
        Ok(Event::Ready {
            version,
            capabilities: offered & (capabilities.required | capabilities.optional),
            ahead,
        })
    }

    pub(super) fn check(&self, version: &Version) -> Result<(), End> {
        let authors = version.iter().count();
        if authors > self.options.authors || !branches(version) {
            return Err(End::Misbehaved(Breach::Authors));
        }
        Ok(())
    }

    pub(super) fn hello_deadline(&self) -> Option<Duration> {
        match self.ready {
            None => Some(self.options.hello),
            // What it has comes right behind its hello.
            Some(ready) => (!self.serving.knows()).then(|| ready + self.options.hello),
        }
    }
}

fn branches(version: &Version) -> bool {
    version.iter().all(|(author, _)| version.ends(author).len() <= BRANCHES)
}
