//! From a panel's frames to the journal: what runs on the frame's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use super::entry::{Entries, Head, Place, put_end, put_head, set_ending};
use crate::{
    frame::{Ending, Recorder},
    intent::Intent,
    journal::{
        handover::Handover,
        record::{FrameRecord, RunKey, RunRecord},
    },
    queued::QueuedIntent,
    replica::{
        answers::{Answer, Answers},
        codec::{Collected, RunRef, collecting, write_postcard},
    },
};

/// Writes each frame into a buffer, and hands it over when the frame ends.
///
/// Frames without intents are counted, and noted with the next that has some. What the journal has no room for is kept if it is one
/// frame, and counted as missing if it is more: the frame never waits.
pub(crate) struct IntentRecorder<I: Intent> {
    handover: Handover,
    session: u64,
    entries: Entries,
    /// The source that the last intent came from, and its bytes.
    source: Option<(I::Source, Vec<u8>)>,
    /// Of the deltas in the frame's intents.
    runs: Collected,
    empty: u64,
    lost: u64,
    /// What the frame that is written now says of those before it.
    before: u64,
    /// What was given back.
    held: Option<FrameRecord>,
    /// Of the frame around this one, if there is one on this thread.
    outer: Option<Answers>,
    last_frame: u64,
    last_digest: Option<u64>,
}

impl<I: Intent<Source: Serialize> + Serialize> IntentRecorder<I> {
    pub(crate) fn new(handover: Handover, session: u64) -> Self {
        let entries = Entries::with(handover.buffer());
        let (source, runs, held) = (None, Collected::default(), None);
        Self {
            handover,
            session,
            entries,
            source,
            runs,
            empty: 0,
            lost: 0,
            before: 0,
            held,
            outer: None,
            last_frame: 0,
            last_digest: None,
        }
    }
}

impl<I: Intent> IntentRecorder<I> {
    fn begin_record(&mut self) {
        if self.entries.is_empty() {
            let (empty_before, lost_before) =
                (std::mem::take(&mut self.empty), std::mem::take(&mut self.lost));
            self.before = empty_before.saturating_add(lost_before);
            put_head(&mut self.entries.bytes, Head { ending: Ending::Settled, empty_before, lost_before });
        }
    }

    fn hand_over(&mut self, panel_frame: u64, digest: Option<u64>, answers: &[Answer]) {
        let runs = self.runs.take();
        put_end(&mut self.entries.bytes, answers, runs.len());
        let intents = self.entries.take(self.handover.buffer());
        let runs = runs.into_iter().map(record).collect();
        let frame = FrameRecord { session: self.session, panel_frame, intents, runs, digest };
        if let Some(held) = self.held.take()
            && let Err((_, held)) = self.handover.push(held)
        {
            self.held = Some(held);
            self.lost = self.lost.saturating_add(self.before).saturating_add(1);
            return;
        }
        if let Err((_, frame)) = self.handover.push(frame) {
            self.held = Some(frame);
        }
    }
}

impl<I: Intent<Source: Serialize> + Serialize> Recorder<I> for IntentRecorder<I> {
    fn begin(&mut self) {
        self.outer = Answers::set(Some(Answers::to_record()));
    }

    fn intent(&mut self, queued: &QueuedIntent<I>) {
        self.begin_record();
        let order = queued.causality_order();
        let source = match &mut self.source {
            Some((last, bytes)) if *last == order.source => bytes,
            other => {
                let mut bytes = other.take().map(|(_, bytes)| bytes).unwrap_or_default();
                bytes.clear();
                // A source that cannot be serialized is none: `Recorded` asks for both ways, and a replay says that it is unreadable.
                let _ = guarded(|| write_postcard(&order.source, &mut bytes));
                &mut other.insert((order.source, bytes)).1
            }
        };
        let place = Place { source, origin: order.origin.0, seq: order.seq, clock: order.clock };
        let skipped = I::VARIANTS.get(queued.intent.variant()).is_some_and(|variant| variant.skipped);
        if skipped {
            return self.entries.put_opaque(place, queued.intent.variant_name(), true);
        }
        let runs = &mut self.runs;
        self.entries.put(place, queued.intent.variant_name(), |out| {
            collecting(runs, || guarded(|| write_postcard(&queued.intent, out)))
        });
    }

    fn end(&mut self, frame: u64, ending: Ending, digest: Option<u64>) {
        self.last_frame = frame;
        let answers = Answers::set(self.outer.take()).map(Answers::into_unusual).unwrap_or_default();
        let same = std::mem::replace(&mut self.last_digest, digest) == digest;
        if self.entries.is_empty() && ending == Ending::Settled && same && answers.is_empty() {
            self.empty += 1;
            return;
        }
        self.begin_record();
        set_ending(&mut self.entries.bytes, ending);
        self.hand_over(frame, digest, &answers);
    }
}

fn record(RunRef { author, seq, hash, run }: RunRef) -> RunRecord {
    RunRecord::named(RunKey { author, seq, hash }, run)
}

/// The user's `Serialize` may panic: then the intent has no bytes, and the frame goes on.
fn guarded<E>(write: impl FnOnce() -> Result<(), E>) -> Result<(), ()> {
    catch_unwind(AssertUnwindSafe(write)).map_or(Err(()), |written| written.map_err(drop))
}

/// Frames without intents at the end are noted too.
impl<I: Intent> Drop for IntentRecorder<I> {
    fn drop(&mut self) {
        if self.empty > 0 || self.held.is_some() {
            self.empty = self.empty.saturating_sub(1);
            self.begin_record();
            self.hand_over(self.last_frame, None, &[]);
        }
    }
}
