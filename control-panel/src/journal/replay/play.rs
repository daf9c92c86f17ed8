//! One recorded frame, applied to a state.

use std::panic::AssertUnwindSafe;

use super::{
    deviation::{Deviation, DeviationKind},
    frames::{RecordedFrame, RecordedIntent},
    player::{Played, Player, read_intent},
    recorded::Recorded,
};
use crate::{
    frame::Ending,
    intent::order::{CausalityOrder, Origin, QueuedIntent},
    journal::intents::Body,
    replica::answers::Answers,
    util::{
        difference::outlined::first_other,
        panics::{self, PanicReport},
    },
};

/// The frame, and what it did.
pub(super) struct Play<'a, S: Recorded> {
    pub(super) player: &'a mut Player<S>,
    pub(super) frame: &'a RecordedFrame,
    pub(super) state: &'a mut S,
    pub(super) played: &'a mut Played,
}

impl<S: Recorded> Play<'_, S> {
    /// Frames without intents, before it.
    pub(super) fn empty(&mut self) {
        for _ in 0..self.frame.head.empty_before {
            let outer = Answers::set(Some(Answers::to_replay(Vec::new())));
            let settled = self.settle(false);
            Answers::set(outer);
            if settled.is_err() {
                return;
            }
        }
    }

    pub(super) fn all(&mut self) {
        let ending = self.frame.head.ending;
        let last = self.frame.intents.len().checked_sub(1);
        for (index, intent) in self.frame.intents.iter().enumerate() {
            let recorded = Some(index) == last && ending == Ending::Panicked;
            match self.apply(index, intent) {
                Applied::Well if recorded => self.deviates(Some(index), DeviationKind::DoesNotPanic),
                Applied::Well | Applied::Not => {}
                Applied::Panicked(panic) if recorded => {
                    self.played.recorded_panic = Some(self.deviation(Some(index), panics_by(&panic)));
                }
                Applied::Panicked(panic) => {
                    // What the program would have done with the rest is not known.
                    return self.deviates(Some(index), panics_by(&panic));
                }
            }
        }
        let settled = match ending {
            Ending::Settled => self.settle(false),
            Ending::SettlePanicked => self.settle(true),
            Ending::Panicked | Ending::Unsettled => return,
        };
        if settled.is_ok() {
            self.look();
        }
    }

    fn apply(&mut self, index: usize, intent: &RecordedIntent) -> Applied {
        let Body::Value(bytes) = &intent.entry.body else {
            self.played.opaque += 1;
            return Applied::Not;
        };
        let source = self.player.source(&intent.entry.source);
        let read = source.and_then(|source| Ok((source, read_intent::<S>(bytes, intent)?)));
        let (source, value) = match read {
            Ok(read) => read,
            Err(why) => {
                self.deviates(Some(index), DeviationKind::Unreadable(why));
                return Applied::Not;
            }
        };
        let (origin, clock, seq) = (Origin(intent.entry.origin), intent.entry.clock, intent.entry.seq);
        let queued =
            QueuedIntent::keyed(CausalityOrder { clock, source, origin, seq }, self.player.now, value);
        match panics::catch_silently(AssertUnwindSafe(|| self.state.apply(queued))) {
            Ok(()) => Applied::Well,
            Err(panic) => Applied::Panicked(panic),
        }
    }

    fn settle(&mut self, panicked: bool) -> Result<(), ()> {
        match (panics::catch_silently(AssertUnwindSafe(|| self.state.settle())), panicked) {
            (Ok(()), false) => Ok(()),
            (Ok(()), true) => {
                // Or what came right behind it did.
                if let Err(panic) = panics::catch_silently(|| self.state.digest()) {
                    self.played.recorded_panic = Some(self.deviation(None, panics_by(&panic)));
                    return Err(());
                }
                self.deviates(None, DeviationKind::DoesNotPanic);
                Ok(())
            }
            (Err(panic), true) => {
                self.played.recorded_panic = Some(self.deviation(None, panics_by(&panic)));
                Err(())
            }
            (Err(panic), false) => {
                self.deviates(None, panics_by(&panic));
                Err(())
            }
        }
    }

    /// What the state is after the frame.
    fn look(&mut self) {
        if let Some(recorded) = self.frame.digest {
            match panics::catch_silently(|| self.state.digest()) {
                Ok(Some(replayed)) if replayed != recorded => {
                    self.deviates(None, DeviationKind::Digest { recorded, replayed });
                }
                Ok(_) => {}
                Err(panic) => self.deviates(None, panics_by(&panic)),
            }
        }
        if !self.frame.outlined.is_empty() {
            match panics::catch_silently(|| first_other(self.state, &self.frame.outlined)) {
                Ok(None) => {}
                Ok(Some(path)) => self.deviates(None, DeviationKind::State { path }),
                Err(panic) => self.deviates(None, panics_by(&panic)),
            }
        }
        match panics::catch_silently(|| self.state.invariant()) {
            Ok(Ok(())) => self.player.broken = None,
            Ok(Err(why)) => {
                if self.player.broken.as_ref() != Some(&why) {
                    self.player.broken = Some(why.clone());
                    self.deviates(None, DeviationKind::Invariant(why));
                }
            }
            Err(panic) => self.deviates(None, panics_by(&panic)),
        }
    }

    fn deviation(&self, intent: Option<usize>, kind: DeviationKind) -> Deviation {
        Deviation { frame: self.frame.number, intent, kind }
    }

    fn deviates(&mut self, intent: Option<usize>, kind: DeviationKind) {
        let deviation = self.deviation(intent, kind);
        self.played.deviations.push(deviation);
    }
}

enum Applied {
    Well,
    Panicked(PanicReport),
    /// It is there by name only, or cannot be read.
    Not,
}

fn panics_by(panic: &PanicReport) -> DeviationKind {
    DeviationKind::Panics {
        message: panic.message().to_owned(),
        place: panic.place().map(|place| format!("{}:{}:{}", place.file, place.line, place.column)),
    }
}
