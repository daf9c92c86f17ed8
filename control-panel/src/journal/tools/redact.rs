//! Redaction: a recording that can be shown to others.

use super::super::progress::{self, Progress};
use super::super::replay::{Past, Player, Recorded, RecordedFrame, RecordedIntent, Recording};
use crate::journal::intents::{Body, Entry};

impl Recording {
    /// The recording without what [`Recorded::redact`] removes: by default only each intent's variant remains. Places, sources and frame
    /// borders remain.
    ///
    /// It contains no operations and snapshots of replicas: they are signed and hashed as a whole, so nothing in them can be blanked. Of an
    /// intent with a [`Delta`](crate::Delta) only the variant remains. Digests are removed too, as they would confirm a guess.
    pub fn redacted<S: Recorded>(&self) -> Self {
        let mut player = Player::<S>::new();
        let mut frames = Vec::with_capacity(self.frames.len());
        progress::say(Progress::Phase("redacting", self.frames.len()));
        for frame in &self.frames {
            progress::say(Progress::Step);
            player.catch_up(self, frame.session);
            let intents = frame.intents.iter().map(|intent| {
                let body = player.redacted(intent);
                RecordedIntent { entry: Entry { body, ..intent.entry.clone() }, runs: [].into() }
            });
            let frame = frame.with_intents(intents.collect());
            frames.push(RecordedFrame { answers: Vec::new(), ..frame });
        }
        let sessions = self.sessions.iter().map(|past| Past {
            incarnation: past.incarnation,
            is_gone: past.is_gone,
            ..Past::default()
        });
        // The restored state is the program's own.
        let (sessions, restored) = (sessions.collect(), None);
        // Keys identify peers.
        Self { fingerprint: self.fingerprint, founded: None, sessions, frames, gone: self.gone, restored }
    }
}

impl<S: Recorded> Player<S> {
    fn redacted(&mut self, intent: &RecordedIntent) -> Body {
        let Body::Value(_) = &intent.entry.body else { return intent.entry.body.clone() };
        self.redact(intent)
    }
}
