//! The recorder: the journal's code that runs on the frame's thread.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde::Serialize;

use super::{
    entries::{NoBytes, Place, put_end, put_head, put_opaque, put_value, set_ending},
    entry::Head,
};
use crate::{
    frame::{Ending, Recorder},
    intent::{
        Intent,
        order::{CausalityOrder, Origin, QueuedIntent},
    },
    journal::{
        handover::Handover,
        record::{FrameRecord, RunKey, RunRecord},
    },
    replica::{
        answers::{Answer, Answers},
        codec::{Collected, RunRef, write_postcard, write_recorded},
    },
    util::panics,
};

/// Writes each frame into a buffer, and hands it over when the frame ends.
///
/// Frames without intents are counted, and noted with the next that has some. What the journal has no room for is kept if it is one
/// frame, and counted as missing if it is more: the frame never waits.
pub(crate) struct IntentRecorder<I: Intent> {
    handover: Handover,
    /// The journal's, which may begin another between two frames.
    current: Arc<AtomicU64>,
    /// That of what is written now.
    session: u64,
    /// Of this frame; empty until there is something to be said.
    bytes: Vec<u8>,
    /// Source, origin and number of the next intent of the producer of the one before, if there is one in this frame.
    next: Option<(I::Source, u64, u64)>,
    /// The bytes of the last intent's source.
    source: Vec<u8>,
    /// Whether there is a variant that is skipped.
    skips: bool,
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
    pub(crate) fn new(handover: Handover, current: Arc<AtomicU64>) -> Self {
        let (bytes, session) = (handover.buffer(), current.load(Ordering::Relaxed));
        let (runs, held) = (Collected::default(), None);
        Self {
            handover,
            current,
            session,
            bytes,
            next: None,
            source: Vec::new(),
            skips: I::VARIANTS.iter().any(|variant| variant.skipped),
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
        if self.bytes.is_empty() {
            let session = self.current.load(Ordering::Relaxed);
            if std::mem::replace(&mut self.session, session) != session {
                // They changed nothing, and the session that they were of has ended.
                self.empty = 0;
            }
            let (empty_before, lost_before) =
                (std::mem::take(&mut self.empty), std::mem::take(&mut self.lost));
            self.before = empty_before.saturating_add(lost_before);
            put_head(&mut self.bytes, Head { ending: Ending::Settled, empty_before, lost_before });
        }
    }

    fn hand_over(&mut self, panel_frame: u64, digest: Option<u64>, answers: &[Answer]) {
        let runs = self.runs.take();
        put_end(&mut self.bytes, answers, runs.len());
        let intents = std::mem::replace(&mut self.bytes, self.handover.buffer());
        let runs = runs.into_iter().map(record).collect();
        let frame = FrameRecord { session: self.session, panel_frame, intents, runs, digest };
        if let Some(held) = self.held.take()
            && let Err((_, held)) = self.handover.push(held)
        {
            self.held = Some(held);
            self.lost = self.lost.saturating_add(self.before).saturating_add(1);
            return self.handover.set_frame_waits(true);
        }
        if let Err((_, frame)) = self.handover.push(frame) {
            self.held = Some(frame);
        }
        self.handover.set_frame_waits(self.held.is_some());
    }
}

impl<I: Intent<Source: Serialize> + Serialize> Recorder<I> for IntentRecorder<I> {
    fn begin(&mut self) {
        self.next = None;
        self.outer = Answers::set(Some(Answers::to_record()));
    }

    fn intent(&mut self, queued: &QueuedIntent<I>) {
        self.begin_record();
        let CausalityOrder { clock, source, origin: Origin(origin), seq } = queued.causality_order();
        let place = if let Some((of, from, next)) = &mut self.next
            && (*of, *from, *next) == (source, origin, seq)
        {
            *next = seq.wrapping_add(1);
            None
        } else {
            self.next = Some((source, origin, seq.wrapping_add(1)));
            self.source.clear();
            // A source that cannot be serialized is none: `Recorded` asks for both ways, and a replay says that it is unreadable.
            if guarded(|| write_postcard(&source, &mut self.source)).is_err() {
                self.source.clear();
            }
            Some(Place { source: &self.source, origin, seq })
        };
        let intent = &queued.intent;
        let skipped = self.skips && I::VARIANTS.get(intent.variant()).is_some_and(|variant| variant.skipped);
        if skipped {
            return put_opaque(&mut self.bytes, place, clock, intent.variant_name(), true);
        }
        let runs = &mut self.runs;
        let before = runs.len();
        let written =
            put_value(&mut self.bytes, place, clock, |out| guarded(|| write_recorded(intent, out, runs)));
        if written.is_err() {
            runs.truncate(before);
            put_opaque(&mut self.bytes, place, clock, intent.variant_name(), false);
        }
    }

    fn end(&mut self, frame: u64, ending: Ending, digest: Option<u64>) {
        self.last_frame = frame;
        let answers = Answers::set(self.outer.take()).map(Answers::into_unusual).unwrap_or_default();
        let same = std::mem::replace(&mut self.last_digest, digest) == digest;
        if self.bytes.is_empty() && ending == Ending::Settled && same && answers.is_empty() {
            self.empty += 1;
            return;
        }
        self.begin_record();
        set_ending(&mut self.bytes, ending);
        self.hand_over(frame, digest, &answers);
    }
}

fn record(RunRef { author, seq, hash, run }: RunRef) -> RunRecord {
    RunRecord::named(RunKey { author, seq, hash }, run)
}

/// The user's `Serialize` may panic: then the intent has no bytes, and the frame goes on.
#[inline]
fn guarded<E>(write: impl FnOnce() -> Result<(), E>) -> Result<(), NoBytes> {
    panics::survive(write).map_or(Err(NoBytes), |written| written.map_err(|_| NoBytes))
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
