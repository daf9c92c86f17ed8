//! What a console keeps of the snapshots that it took: when each peer was heard of, ends, rates, the history.

use std::{collections::BTreeMap, mem, time::Duration};

use tokio::time::Instant;

use super::{Console, EndKind, EndRow, PanicText, Snapshot, history::rate, text};
use crate::{
    frame::FrameSample,
    lifecycle::{Event, EventKind, Exit},
    panel::observed::{PanelFigures, SourceFigures},
    supervisor::observed::ObservedWorker,
};

/// How much time one point of the history, and one rate, covers at least.
const STEP: Duration = Duration::from_secs(1);

/// The counters at the beginning of the current step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: Instant,
    pub(super) accepted: u64,
    pub(super) workers: BTreeMap<u64, u64>,
    pub(super) sources: BTreeMap<String, u64>,
}

/// Each a second, of the last step that is over.
#[derive(Debug, Default)]
pub(super) struct Rates {
    pub(super) accepted: f64,
    pub(super) frames: f64,
    pub(super) workers: BTreeMap<u64, f64>,
    pub(super) sources: BTreeMap<String, f64>,
}

/// When a worker was last heard of, and what it had said by then.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) at: Instant,
    pub(super) word: Word,
    pub(super) failure: Option<Failure>,
}

/// A worker's last failure in words, which are made once: a backtrace takes milliseconds to be written.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) text: String,
    pub(super) panic: Option<PanicText>,
}

/// What changes when a worker does something.
pub(super) type Word = (u64, Option<u64>, u64, u64, u64);

/// The end of a run.
#[derive(Debug)]
pub(super) struct End {
    pub(super) at: Instant,
    pub(super) row: EndRow,
}

/// # Keeping
impl Console {
    pub(super) fn note_end(&mut self, event: &Event, at: Instant) {
        let (kind, text, panic) = match &event.kind {
            EventKind::Exited(exit) => of_exit(exit),
            // The exit of the run says the same.
            EventKind::Ended(exit, _) if !self.has_end(event) => of_exit(exit),
            EventKind::Refused(refusal) => {
                (EndKind::Refused, text::line(format_args!("refused: {refusal}")), None)
            }
            EventKind::GaveUp => (EndKind::GaveUp, text::line(format_args!("{}", event.kind)), None),
            _ => return,
        };
        let row = EndRow {
            number: event.number,
            ago: Duration::ZERO,
            name: text::line(format_args!("{}", event.name)),
            instance: event.origin.0,
            generation: event.generation,
            kind,
            text,
            panic,
        };
        self.ends_seen += 1;
        self.ends.push_front(End { at, row });
        self.ends.truncate(self.limits.ends);
    }

    fn has_end(&self, event: &Event) -> bool {
        let run = (event.origin.0, event.generation);
        self.ends
            .iter()
            .any(|End { row, .. }| (row.instance, row.generation) == run && row.kind != EndKind::GaveUp)
    }

    /// Notes which workers said something new.
    pub(super) fn hear(&mut self, figures: &PanelFigures, now: Instant) {
        let mut heard = BTreeMap::new();
        for worker in &figures.supervised.workers {
            let word = word(worker);
            let before = self.heard.remove(&worker.info.origin.0);
            let at = match &before {
                Some(before) if before.word == word => before.at,
                // When it said that is known to a look, unless its status says it.
                Some(_) => now,
                None => {
                    let quiet = now.saturating_duration_since(worker.since);
                    let quiet = worker.heartbeat.map_or(quiet, |(_, ago)| ago.min(quiet));
                    now.checked_sub(quiet).unwrap_or(now)
                }
            };
            let failure = before.and_then(|before| before.failure);
            let failure = Failure::of(worker.info.last_exit.as_ref(), failure);
            heard.insert(worker.info.origin.0, Heard { at: at.max(worker.since), word, failure });
        }
        self.heard = heard;
    }

    /// Rates and the history.
    pub(super) fn count(&mut self, figures: &PanelFigures, snapshot: &Snapshot) {
        let now = snapshot.at;
        self.collecting.queue(figures.counts.queued, figures.counts.waiting);
        let before = self.latest.as_ref();
        let frames = snapshot
            .cursor
            .frames
            .saturating_sub(before.map_or(snapshot.cursor.frames, |before| before.cursor.frames));
        self.collecting.frames(frames, snapshot.samples.iter().map(FrameSample::total));
        let known = self.known.as_ref();
        for SourceFigures { source, sends, .. } in &figures.sources {
            let sent = |figures: &PanelFigures| {
                let found = figures.sources.iter().find(|known| known.source == *source);
                found.map(|known| known.sends.sent)
            };
            // What a source sent before the first look is not of this time.
            let more = match known {
                Some(known) => sends.sent.saturating_sub(sent(known).unwrap_or(0)),
                None => 0,
            };
            self.collecting.intents(&mut self.history, source, more);
        }
        let Some(step) = &self.step else {
            self.step = Some(Step::begin(figures, now));
            return;
        };
        let span = now.saturating_duration_since(step.at);
        if span < STEP {
            return;
        }
        let at = now.saturating_duration_since(self.first.unwrap_or(now));
        let point = self.collecting.take(at, span);
        self.rates = step.rates(figures, span, point.frames);
        self.history.push(point, self.limits.points);
        self.step = Some(Step::begin(figures, now));
    }
}

impl Failure {
    /// Of that exit, if it was not clean. `known` is the one of the look before.
    fn of(exit: Option<&Exit>, known: Option<Self>) -> Option<Self> {
        let exit = exit.filter(|exit| !exit.is_clean())?;
        known
            .filter(|known| is_same(&known.exit, exit))
            .or_else(|| Some(Self { exit: exit.clone(), text: text::exit(exit), panic: panic_of(exit) }))
    }
}

impl Step {
    fn begin(figures: &PanelFigures, at: Instant) -> Self {
        let workers =
            figures.supervised.workers.iter().map(|worker| (worker.info.origin.0, worker.sends.sent));
        let sources = figures.sources.iter().map(|of| (of.source.as_str().to_owned(), of.sends.sent));
        Self { at, accepted: figures.counts.accepted, workers: workers.collect(), sources: sources.collect() }
    }

    fn rates(&self, figures: &PanelFigures, span: Duration, frames: f64) -> Rates {
        let since =
            |now: u64, before: Option<&u64>| rate(now.saturating_sub(before.copied().unwrap_or(0)), span);
        let workers = figures.supervised.workers.iter();
        let workers = workers.map(|worker| {
            (worker.info.origin.0, since(worker.sends.sent, self.workers.get(&worker.info.origin.0)))
        });
        let sources = figures.sources.iter().map(|of| {
            let name = of.source.as_str();
            (name.to_owned(), since(of.sends.sent, self.sources.get(name)))
        });
        Rates {
            accepted: since(figures.counts.accepted, Some(&self.accepted)),
            frames,
            workers: workers.collect(),
            sources: sources.collect(),
        }
    }
}

impl End {
    pub(super) fn row_at(&self, now: Instant) -> EndRow {
        EndRow { ago: now.saturating_duration_since(self.at), ..self.row.clone() }
    }
}

/// Whether both are the exit of one run, as far as that can be seen: a difference only costs new words.
fn is_same(one: &Exit, other: &Exit) -> bool {
    match (one, other) {
        (Exit::Panicked(one), Exit::Panicked(other)) => one.is_same(other),
        (Exit::Failed(_), Exit::Failed(_)) => false,
        (one, other) => mem::discriminant(one) == mem::discriminant(other),
    }
}

fn word(worker: &ObservedWorker) -> Word {
    let beat = worker.heartbeat.map(|(stamp, _)| stamp);
    let sends = worker.sends;
    (worker.info.generation, beat, sends.sent, sends.refused, sends.dropped)
}

fn of_exit(exit: &Exit) -> (EndKind, String, Option<PanicText>) {
    let kind = match exit {
        Exit::Finished | Exit::Cancelled => EndKind::Clean,
        Exit::Failed(_) => EndKind::Failed,
        Exit::Panicked(_) => EndKind::Panicked,
        Exit::Refused(_) => EndKind::Refused,
        Exit::Aborted | Exit::Abandoned | Exit::Starved | Exit::Stuck | Exit::NotReady => EndKind::Stopped,
    };
    (kind, text::exit(exit), panic_of(exit))
}

fn panic_of(exit: &Exit) -> Option<PanicText> {
    match exit {
        Exit::Panicked(panic) => Some(PanicText::of(panic)),
        _ => None,
    }
}
