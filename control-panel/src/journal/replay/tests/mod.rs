//! Recording and replay in memory: what a panel hands to a journal, without the file.

mod notes;
mod panels;
mod pasts;
mod property;
mod replicas;
mod shape;
mod tools;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Receiver;

use super::{Recorded, Recording, Start};
use crate::{
    ControlPanel, GraphIntent, PanelBuilder, QueuedIntent, Reducer,
    journal::{
        JournalError,
        handover::{Handover, handover},
        intents::IntentRecorder,
        record::{FrameRecord, FrameRow, NumberedRuns},
        store::Item,
    },
    requests::Reply,
};

/// What stands where the file would.
pub(super) struct Tape {
    pub(super) handover: Handover,
    items: Receiver<Item>,
    taken: Vec<Item>,
}

impl Tape {
    pub(super) fn new() -> Self {
        let (handover, items) = handover();
        Self { handover, items, taken: Vec::new() }
    }

    pub(super) fn recorder(&self, session: u64) -> IntentRecorder<Update> {
        IntentRecorder::new(self.handover.clone(), Arc::new(session.into()))
    }

    /// Makes room in the hand-over.
    pub(super) fn take(&mut self) {
        let mut items = Vec::new();
        while let Ok(item) = self.items.try_recv() {
            items.push(item);
        }
        self.taken.extend(items.iter().cloned());
        self.handover.gauge().written(items);
    }

    pub(super) fn recording(mut self) -> Recording {
        self.take();
        let (mut rows, mut runs) = (Vec::new(), NumberedRuns::new());
        let mut loose = Vec::new();
        for item in self.taken {
            match item {
                Item::Runs(admitted) => {
                    loose.extend(admitted.iter().map(|run| run.key.place()));
                    for run in admitted {
                        let number = runs.len() as u64;
                        runs.insert(run.key.place(), (number, run));
                    }
                }
                Item::Frame(FrameRecord { session, panel_frame, intents, runs: named, digest }) => {
                    let mut places: Vec<_> = named.iter().map(|run| run.key.place()).collect();
                    places.append(&mut loose);
                    for run in named {
                        let number = runs.len() as u64;
                        runs.entry(run.key.place()).or_insert((number, run));
                    }
                    let number = rows.len() as u64 + 1;
                    rows.push(FrameRow { number, session, panel_frame, intents, runs: places, digest });
                }
                _ => {}
            }
        }
        Recording::of_rows(Some(Machine::fingerprint()), None, (&rows, None), &runs, &BTreeMap::new())
            .unwrap()
    }
}

pub(super) fn panel(tape: &Tape) -> ControlPanel<Update> {
    builder(tape).build()
}

pub(super) fn builder(tape: &Tape) -> PanelBuilder<Update, ()> {
    let mut builder = ControlPanel::builder().capacity(32);
    builder.recorder = Some(Box::new(tape.recorder(1)));
    builder
}

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
#[intent(crate = crate, source = u8)]
pub(super) enum Update {
    Add(u32),
    /// Panics in the middle of what it does.
    Stumble,
    /// Makes `settle` panic.
    Unsettle,
    Ask(Reply<u32>),
    #[intent(skip)]
    Secret(String),
    /// Of an error: a map without a known length.
    Broken(NoBytes),
}

/// Has no bytes, or panics on the way to them.
#[derive(Debug, Deserialize)]
pub(super) struct NoBytes(pub(super) bool);

impl Serialize for NoBytes {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        if self.0 {
            std::panic::resume_unwind(Box::new("no bytes"));
        }
        Err(serde::ser::Error::custom("no bytes"))
    }
}

/// Order matters to it, and frames do: also those without intents.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Machine {
    pub(super) state: u64,
    pub(super) applied: u64,
    pub(super) settled: u64,
    pub(super) wanted: u64,
    unsettle: bool,
}

impl Reducer for Machine {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let order = queued.causality_order();
        self.applied += 1;
        self.state = self
            .state
            .wrapping_mul(31)
            .wrapping_add(order.origin.0 * 7 + order.seq + u64::from(order.source));
        match queued.intent {
            Update::Add(n) => self.state = self.state.rotate_left(n % 64) ^ u64::from(n),
            Update::Stumble => {
                self.state = !self.state;
                panic!("stumbles over {}", self.applied);
            }
            Update::Unsettle => self.unsettle = true,
            Update::Ask(reply) => {
                self.wanted += u64::from(reply.is_wanted());
                reply.send(7);
            }
            Update::Secret(_) | Update::Broken(_) => {
                // What the record does not have must not matter.
                self.applied -= 1;
                self.state = 0;
            }
        }
    }

    fn settle(&mut self) {
        self.settled += 1;
        let unsettled = std::mem::take(&mut self.unsettle);
        assert!(!unsettled, "unsettled in {}", self.settled);
    }

    fn digest(&self) -> Option<u64> {
        Some(self.state ^ self.applied.rotate_left(16) ^ self.settled.rotate_left(32))
    }
}

impl Recorded for Machine {
    fn begin(_: &Start<'_>) -> Result<Self, JournalError> {
        Ok(Self::default())
    }

    fn copy(&self) -> Option<Self> {
        Some(self.clone())
    }
}
