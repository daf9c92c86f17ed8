//! Applies recorded frames to a state of its own.

use std::{panic::AssertUnwindSafe, sync::Arc};

use tokio::time::Instant;

use super::{
    deviation::{Deviation, DeviationKind},
    frames::{RecordedFrame, RecordedIntent, Recording},
    play::Play,
    recorded::Recorded,
    start::{Made, Start},
};
use crate::{
    frame::reducer::Reducer,
    intent::Intent,
    journal::{
        intents::Body,
        progress::{self, Progress},
    },
    replica::{
        answers::Answers,
        codec::{Replayed, RunBytes, read_postcard, write_postcard},
    },
    util::{difference::outline::brief, panics},
};

type IntentOf<S> = <S as Reducer>::Intent;
type SourceOf<S> = <IntentOf<S> as Intent>::Source;

/// A state on its way through one recording. It can stop at any frame, and go on.
pub(crate) struct Player<S: Recorded> {
    state: Option<S>,
    scope: Replayed,
    /// Of the state.
    session: usize,
    source: Option<(Arc<[u8]>, SourceOf<S>)>,
    /// What does not hold since an earlier frame, which said so.
    pub(super) broken: Option<String>,
    /// For all intents of a replay: no reducer decides by it.
    pub(super) now: Instant,
    /// What starts made, so that a later one does not begin again.
    made: Made,
}

/// What one frame did in a replay.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Where it is not what was recorded, in order.
    pub(crate) deviations: Vec<Deviation>,
    /// The panic that is in the record too.
    pub(crate) recorded_panic: Option<Deviation>,
    /// Intents that are there by name only.
    pub(crate) opaque: usize,
    /// How many runs of peers its replicas hold back, as they lack what those depend on.
    pub(crate) waiting: usize,
}

impl Played {
    /// Why the reducer fails in this frame, in the record or not.
    pub(crate) fn failure(&self) -> Option<&Deviation> {
        self.recorded_panic.iter().chain(self.deviations.iter()).find(|deviation| deviation.is_failure())
    }
}

impl<S: Recorded> std::fmt::Debug for Player<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<S: Recorded> Player<S> {
    pub(crate) fn new() -> Self {
        Self {
            state: None,
            scope: Replayed::default(),
            session: usize::MAX,
            source: None,
            broken: None,
            now: Instant::now(),
            made: Made::default(),
        }
    }

    /// `None` before the first frame, and where a session does not begin.
    pub(crate) fn state(&self) -> Option<&S> {
        self.state.as_ref()
    }

    pub(crate) fn into_state(self) -> Option<S> {
        self.state
    }

    /// Makes the state that this session began with.
    pub(crate) fn begin(&mut self, recording: &Recording, session: usize) -> Result<&S, DeviationKind> {
        let pasts = &recording.sessions[..recording.sessions.len().min(session.saturating_add(1))];
        self.session = session;
        self.state = None;
        self.broken = None;
        if pasts.last().is_some_and(|past| past.is_gone) {
            let gone = "the frames that it began with were let go of, as it recorded without end";
            return Err(DeviationKind::Begin(gone.to_owned()));
        }
        let earlier = (recording.before(session), recording.restored.as_deref());
        let made = AssertUnwindSafe(&self.made);
        let start = || S::begin(&Start::replayed(recording.founded.as_ref(), pasts, earlier, *made));
        let begun = self.scope.within(|| panics::catch_silently(start));
        match begun {
            Ok(Ok(state)) => Ok(self.state.insert(state)),
            Ok(Err(error)) => Err(DeviationKind::Begin(error.to_string())),
            Err(panic) => Err(DeviationKind::Begin(panic.to_string())),
        }
    }

    /// Which session the state is of.
    pub(crate) fn session(&self) -> usize {
        self.session
    }

    /// The next frame makes the state of its session anew.
    pub(crate) fn rewind(&mut self) {
        (self.session, self.state) = (usize::MAX, None);
    }

    /// Goes on from a copy of a state that this player had.
    pub(crate) fn resume(&mut self, session: usize, state: S) {
        self.session = session;
        self.state = Some(state);
    }

    /// What of an intent is shown to others.
    pub(crate) fn redact(&mut self, intent: &RecordedIntent) -> Body {
        let mut scope = std::mem::take(&mut self.scope);
        let Body::Value(bytes) = &intent.entry.body else { return intent.entry.body.clone() };
        let body = scope.within(|| {
            let read = read_intent::<S>(bytes, intent);
            let variant = read.as_ref().map_or("", |read| read.variant_name());
            let opaque = Body::Opaque { variant: variant.into(), skipped: false };
            let redacted =
                read.ok().and_then(|read| panics::catch_silently(|| S::redact(read)).ok().flatten());
            let Some(redacted) = redacted else { return opaque };
            let mut bytes = Vec::new();
            let written = panics::catch_silently(|| write_postcard(&redacted, &mut bytes).is_ok());
            if matches!(written, Ok(true)) { Body::Value(bytes.into()) } else { opaque }
        });
        self.scope = scope;
        body
    }

    /// Begins this session, if it is another: so that its codecs are known.
    pub(crate) fn catch_up(&mut self, recording: &Recording, session: usize) {
        if self.session != session {
            self.begin(recording, session).ok();
        }
    }

    /// The next frame of the recording.
    pub(crate) fn play(&mut self, recording: &Recording, frame: &RecordedFrame) -> Played {
        progress::say(Progress::Step);
        let mut played = Played::default();
        let deviation = |intent, kind| Deviation { frame: frame.number, intent, kind };
        if frame.head.lost_before > 0 {
            played.deviations.push(deviation(None, DeviationKind::Lost(frame.head.lost_before)));
        }
        if self.session != frame.session
            && let Err(kind) = self.begin(recording, frame.session)
        {
            played.deviations.push(deviation(None, kind));
        }
        let Some(mut state) = self.state.take() else { return played };
        let mut scope = std::mem::take(&mut self.scope);
        scope.within(|| {
            let mut play = Play { player: self, frame, state: &mut state, played: &mut played };
            play.empty();
            let outer = Answers::set(Some(Answers::to_replay(frame.answers.clone())));
            Replayed::take_waiting();
            play.all();
            Answers::set(outer);
            played.waiting = Replayed::take_waiting();
        });
        (self.state, self.scope) = (Some(state), scope);
        played
    }

    /// An intent in words: its source, its producer and its number there, and what it says. Its deltas are read with the codecs of
    /// the state.
    pub(crate) fn describe(&mut self, intent: &RecordedIntent) -> String {
        let mut scope = std::mem::take(&mut self.scope);
        let entry = &intent.entry;
        let text = scope.within(|| {
            let value = match &entry.body {
                Body::Value(bytes) => read_intent::<S>(bytes, intent).map(|intent| brief(&intent)),
                Body::Opaque { variant, skipped: true } => Ok(format!("{variant} (skipped)")),
                Body::Opaque { variant, skipped: false } => Ok(format!("{variant} (not serialized)")),
            };
            let value = value.unwrap_or_else(|why| format!("unreadable: {why}"));
            let source =
                self.source(&entry.source).map_or_else(|_| "?".to_owned(), |source| format!("{source:?}"));
            format!("{source} #{}.{} {value}", entry.origin, entry.seq)
        });
        self.scope = scope;
        text
    }

    /// The intent; `None` where it is there by name only or cannot be read.
    pub(crate) fn read(&mut self, intent: &RecordedIntent) -> Option<IntentOf<S>> {
        let Body::Value(bytes) = &intent.entry.body else { return None };
        self.scope.within(|| read_intent::<S>(bytes, intent).ok())
    }

    /// The runs that its deltas have.
    pub(crate) fn runs(&mut self, intent: &RecordedIntent) -> Vec<RunBytes> {
        let Body::Value(bytes) = &intent.entry.body else { return Vec::new() };
        self.scope.within(|| {
            let _ = read_intent::<S>(bytes, intent);
            Replayed::named_runs()
        })
    }

    pub(super) fn source(&mut self, bytes: &Arc<[u8]>) -> Result<SourceOf<S>, String> {
        match &self.source {
            Some((known, source)) if known == bytes => Ok(*source),
            _ => {
                let source = read(bytes)?;
                self.source = Some((Arc::clone(bytes), source));
                Ok(source)
            }
        }
    }
}

/// An intent from its bytes. Within a replay's scope, as its deltas are read with the codecs that are known there.
pub(crate) fn read_intent<S: Recorded>(bytes: &[u8], intent: &RecordedIntent) -> Result<IntentOf<S>, String> {
    Replayed::set_runs(&intent.runs);
    read(bytes)
}

/// The bytes are not trusted, and a `Deserialize` that panics is one that fails.
pub(super) fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match panics::catch_silently(|| read_postcard(bytes)) {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(panic) => Err(panic.to_string()),
    }
}
