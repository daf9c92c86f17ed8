//! The console's model: snapshots go in, views come out. Pure: no clock, no lock, no panel.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Cursor, EndKind, EndRow, FrameState, FramesView, History, Observer, PanelState, PanicText, Quantiles,
    QueueView, SILENCE, Snapshot, SourceRow, View, WorkerKind, WorkerRow, WorkerState,
    frames_view::rank,
    history::{Collecting, rate},
    text,
};
use crate::{
    frame::FrameSample,
    lifecycle::{
        event::{Event, EventKind},
        exit::Exit,
        status::WorkerStatus,
    },
    panel::observed::{PanelFigures, SourceFigures},
    supervisor::{
        kinds::Kind,
        observed::{Observed, ObservedWorker},
    },
};

/// How much time one point of the history, and one rate, covers at least.
const STEP: Duration = Duration::from_secs(1);

/// The frames of this long are measured together.
const MEASURED: Duration = Duration::from_secs(10);

/// How many frames are kept for that.
const FRAMES: usize = 1024;

/// How much a [`Console`] keeps and shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Rows of workers in a view: 1,000 by default.
    pub workers: usize,
    /// Ends that are kept: 100 by default.
    pub ends: usize,
    /// Points of the history, a second each or more: 300 by default.
    pub points: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { workers: 1000, ends: 100, points: 300 }
    }
}

/// Turns what an [`Observer`] reads into rows, rates, freshness and recent ends.
///
/// What it keeps is bounded by its [`Limits`] and by the number of living workers and sources. Its views depend on the snapshots and
/// moments that it was given, and on nothing else.
#[derive(Debug, Default)]
pub struct Console {
    limits: Limits,
    latest: Option<Snapshot>,
    /// The figures before the panel was gone.
    known: Option<PanelFigures>,
    first: Option<Instant>,
    heard: BTreeMap<u64, Heard>,
    /// Newest first.
    ends: VecDeque<End>,
    ends_seen: u64,
    missed: u64,
    samples: VecDeque<FrameSample>,
    history: History,
    collecting: Collecting,
    step: Option<Step>,
    rates: Rates,
}

/// The counters at the beginning of the current step.
#[derive(Debug)]
struct Step {
    at: Instant,
    accepted: u64,
    workers: BTreeMap<u64, u64>,
    sources: BTreeMap<String, u64>,
}

/// Each a second, of the last step that is over.
#[derive(Debug, Default)]
struct Rates {
    accepted: f64,
    frames: f64,
    workers: BTreeMap<u64, f64>,
    sources: BTreeMap<String, f64>,
}

/// When a worker was last heard of, and what it had said by then.
#[derive(Debug)]
struct Heard {
    at: Instant,
    word: Word,
    failure: Option<Failure>,
}

/// A worker's last failure in words, which are made once: a backtrace takes milliseconds to be written.
#[derive(Debug, Clone)]
struct Failure {
    exit: Exit,
    text: String,
    panic: Option<PanicText>,
}

/// What changes when a worker does something.
type Word = (u64, Option<u64>, u64, u64, u64);

/// The end of a run.
#[derive(Debug)]
struct End {
    at: Instant,
    row: EndRow,
}

impl Console {
    /// Creates a console with other limits than the default.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How far it has read: where the next snapshot begins.
    pub fn cursor(&self) -> Cursor {
        self.latest.as_ref().map(Snapshot::cursor).unwrap_or_default()
    }

    /// Reads the panel, and returns what to show now: [`take`](Self::take) and [`view`](Self::view) in one.
    pub fn refresh(&mut self, observer: &Observer) -> View {
        let snapshot = observer.snapshot(self.cursor());
        let now = snapshot.at();
        self.take(snapshot);
        self.view(now)
    }

    /// Takes a snapshot. Each must begin where the one before it [ended](Self::cursor).
    pub fn take(&mut self, snapshot: Snapshot) {
        let now = snapshot.at;
        self.first.get_or_insert(now);
        self.missed += snapshot.missed;
        for (event, at) in &snapshot.events {
            self.note_end(event, *at);
        }
        self.samples.extend(&snapshot.samples);
        while self.samples.len() > FRAMES {
            self.samples.pop_front();
        }
        if snapshot.gone {
            // What is gone does nothing any more.
            self.rates = Rates::default();
        }
        if let Some(figures) = &snapshot.figures {
            self.hear(figures, now);
            self.count(figures, &snapshot);
            self.known = Some(figures.clone());
        }
        self.latest = Some(snapshot);
    }

    /// The last minutes. It changes when a snapshot is taken, once a second at most.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What to show at that moment. Without a snapshot, a panel that is not heard of.
    pub fn view(&self, now: Instant) -> View {
        let Some(latest) = &self.latest else { return View::unknown() };
        let age = now.saturating_duration_since(latest.at);
        let known = self.known.as_ref();
        let state = match known {
            _ if latest.gone => PanelState::Gone,
            _ if age >= SILENCE => PanelState::Silent,
            Some(figures) if figures.stopping => PanelState::Stopping,
            _ => PanelState::Live,
        };
        let supervised = latest.figures.as_ref().map(|figures| &figures.supervised);
        let workers: Vec<WorkerRow> =
            supervised.map(|observed| self.rows(observed, latest.gone, now)).unwrap_or_default();
        let worker_count = workers.len();
        let workers = within(workers, self.limits.workers);
        View {
            panel: latest.panel.as_str().to_owned(),
            state,
            observed_for: now.saturating_duration_since(self.first.unwrap_or(now)),
            age,
            warning: known.and_then(|figures| figures.warning).map(|warning| warning.to_string()),
            worker_count,
            workers_left_out: worker_count - workers.len(),
            workers,
            incidents: known.map_or(0, |figures| figures.supervised.incidents),
            ends: self.ends.iter().map(|end| end.row_at(now)).collect(),
            ends_left_out: self.ends_seen - self.ends.len() as u64,
            events_missed: self.missed,
            queue: known.map(|figures| self.queue(figures, latest, now)).unwrap_or_default(),
            frames: self.frames(latest, known, now),
            policy: latest.board.policy.clone(),
            mods: latest.board.mods.clone(),
            peers: latest.board.peers.clone(),
            journals: latest.board.journals.clone(),
            exhibits_left_out: latest.board.left_out,
        }
    }

    fn note_end(&mut self, event: &Event, at: Instant) {
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
    fn hear(&mut self, figures: &PanelFigures, now: Instant) {
        let mut heard = BTreeMap::new();
        for worker in &figures.supervised.workers {
            let word = word(worker);
            let before = self.heard.remove(&worker.origin);
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
            let failure = Failure::of(worker.last_exit.as_ref(), failure);
            heard.insert(worker.origin, Heard { at: at.max(worker.since), word, failure });
        }
        self.heard = heard;
    }

    /// Rates and the history.
    fn count(&mut self, figures: &PanelFigures, snapshot: &Snapshot) {
        let now = snapshot.at;
        self.collecting.queue(figures.queued, figures.waiting);
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

    fn rows(&self, observed: &Observed, gone: bool, now: Instant) -> Vec<WorkerRow> {
        observed
            .workers
            .iter()
            .filter(|worker| !worker.status.is_final())
            .map(|worker| self.row(worker, gone, now))
            .collect()
    }

    fn row(&self, worker: &ObservedWorker, gone: bool, now: Instant) -> WorkerRow {
        let heard_at = self.heard.get(&worker.origin).map_or(worker.since, |heard| heard.at);
        let heard = now.saturating_duration_since(heard_at);
        let state = state(worker, heard, gone);
        let failure = self.heard.get(&worker.origin).and_then(|heard| heard.failure.as_ref());
        let backoff_left = match &worker.status {
            WorkerStatus::Backoff { until, .. } => Some(until.saturating_duration_since(now)),
            _ => None,
        };
        let text = match (state, &worker.status, backoff_left) {
            (WorkerState::Backoff, WorkerStatus::Backoff { exit, .. }, Some(left)) => {
                text::line(format_args!("restarts in {left:.1?}: {}", text::exit(exit)))
            }
            (WorkerState::Stopping, WorkerStatus::Stopping(cause), _) => format!("asked to stop: {cause}"),
            (WorkerState::Quiet, ..) => format!("not heard of for {} s", heard.as_secs()),
            (WorkerState::Gone, ..) => "its panel is gone".to_owned(),
            (state, ..) => state.to_string(),
        };
        WorkerRow {
            name: text::line(format_args!("{}", worker.name)),
            instance: worker.origin,
            source: text::line(format_args!("{}", worker.source)),
            kind: match worker.kind {
                Kind::Async => WorkerKind::Async,
                Kind::Local => WorkerKind::Local,
                Kind::Blocking => WorkerKind::Blocking,
                Kind::Thread => WorkerKind::Thread,
            },
            state,
            text,
            since: now.saturating_duration_since(worker.since),
            heard,
            generation: worker.generation,
            restarts: worker.restarts,
            restarts_allowed: worker.limit.map(|(restarts, _)| restarts),
            restarts_within: worker.limit.map(|(_, period)| period),
            backoff_left,
            last_error: failure.map(|failure| failure.text.clone()),
            last_panic: failure.and_then(|failure| failure.panic.clone()),
            heartbeat: worker.heartbeat.map(|(_, ago)| ago + self.age(now)),
            sent: worker.sends.sent,
            rate: self.rates.workers.get(&worker.origin).copied().unwrap_or_default(),
            dropped: worker.sends.dropped,
            refused: worker.sends.refused,
            waiting: worker.sends.waiting,
            blocked: worker.sends.blocked,
        }
    }

    /// How old the figures are.
    fn age(&self, now: Instant) -> Duration {
        self.latest.as_ref().map_or(Duration::ZERO, |latest| now.saturating_duration_since(latest.at))
    }

    fn queue(&self, figures: &PanelFigures, latest: &Snapshot, now: Instant) -> QueueView {
        let sources = figures.sources.iter().map(|SourceFigures { source, slots, sends }| SourceRow {
            source: text::line(format_args!("{source}")),
            slots: *slots,
            waiting: sends.waiting,
            accepted: sends.sent,
            rate: self.rates.sources.get(source.as_str()).copied().unwrap_or_default(),
            refused: sends.refused,
            dropped: sends.dropped,
            blocked: sends.blocked,
        });
        QueueView {
            depth: figures.queued,
            capacity: figures.capacity,
            // What is not known any more does not grow older.
            oldest: figures
                .oldest
                .map(|oldest| (if latest.gone { latest.at } else { now }).saturating_duration_since(oldest)),
            waiting: figures.waiting,
            accepted: figures.accepted,
            drained: figures.drained,
            refused: figures.refused,
            dropped: figures.dropped,
            rate: self.rates.accepted,
            sources: sources.collect(),
            sources_left_out: figures.sources_left_out,
        }
    }

    fn frames(&self, latest: &Snapshot, known: Option<&PanelFigures>, now: Instant) -> FramesView {
        let ended = self.samples.back().map(|sample| latest.epoch + sample.ended);
        let last = ended.map(|ended| now.saturating_duration_since(ended));
        let in_frame = latest.in_frame.map(|since| now.saturating_duration_since(since));
        let silent = last.is_none_or(|last| last >= SILENCE);
        let waits = known.is_some_and(|figures| figures.queued > 0)
            && self.age(now) < SILENCE
            && now.saturating_duration_since(self.first.unwrap_or(now)) >= SILENCE;
        let state = match last {
            _ if latest.gone => FrameState::Gone,
            _ if in_frame.is_some_and(|time| time >= SILENCE) || (silent && waits) => FrameState::Stalled,
            None => FrameState::NoneYet,
            Some(_) if silent => FrameState::Silent,
            Some(_) => FrameState::Running,
        };
        let measured = || {
            let from = latest.at.saturating_duration_since(latest.epoch).saturating_sub(MEASURED);
            self.samples.iter().filter(move |sample| sample.ended >= from)
        };
        let times =
            |of: fn(&FrameSample) -> Duration| Quantiles::of(&mut measured().map(of).collect::<Vec<_>>());
        let mut intents: Vec<u32> = measured().map(|sample| sample.applied).collect();
        intents.sort_unstable();
        FramesView {
            state,
            count: known.map_or(0, |figures| figures.frames),
            applied: latest.applied,
            last,
            in_frame,
            rate: self.rates.frames,
            measured: intents.len(),
            drain: times(|sample| sample.drain),
            apply: times(|sample| sample.apply),
            reconcile: times(|sample| sample.reconcile),
            total: times(FrameSample::total),
            intents_p50: rank(&intents, 50),
            intents_p99: rank(&intents, 99),
            left: self.samples.back().map_or(0, |sample| sample.left),
        }
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
        let workers = figures.supervised.workers.iter().map(|worker| (worker.origin, worker.sends.sent));
        let sources = figures.sources.iter().map(|of| (of.source.as_str().to_owned(), of.sends.sent));
        Self { at, accepted: figures.accepted, workers: workers.collect(), sources: sources.collect() }
    }

    fn rates(&self, figures: &PanelFigures, span: Duration, frames: f64) -> Rates {
        let since =
            |now: u64, before: Option<&u64>| rate(now.saturating_sub(before.copied().unwrap_or(0)), span);
        let workers = figures.supervised.workers.iter();
        let workers =
            workers.map(|worker| (worker.origin, since(worker.sends.sent, self.workers.get(&worker.origin))));
        let sources = figures.sources.iter().map(|of| {
            let name = of.source.as_str();
            (name.to_owned(), since(of.sends.sent, self.sources.get(name)))
        });
        Rates {
            accepted: since(figures.accepted, Some(&self.accepted)),
            frames,
            workers: workers.collect(),
            sources: sources.collect(),
        }
    }
}

impl End {
    fn row_at(&self, now: Instant) -> EndRow {
        EndRow { ago: now.saturating_duration_since(self.at), ..self.row.clone() }
    }
}

impl View {
    /// Of a panel that was not looked at yet.
    fn unknown() -> Self {
        Self {
            panel: String::new(),
            state: PanelState::Silent,
            observed_for: Duration::ZERO,
            age: Duration::ZERO,
            warning: None,
            worker_count: 0,
            workers: Vec::new(),
            workers_left_out: 0,
            incidents: 0,
            ends: Vec::new(),
            ends_left_out: 0,
            events_missed: 0,
            queue: QueueView::default(),
            frames: FramesView::default(),
            policy: Vec::new(),
            mods: Vec::new(),
            peers: Vec::new(),
            journals: Vec::new(),
            exhibits_left_out: 0,
        }
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
    (worker.generation, beat, sends.sent, sends.refused, sends.dropped)
}

fn state(worker: &ObservedWorker, heard: Duration, gone: bool) -> WorkerState {
    match &worker.status {
        _ if gone => WorkerState::Gone,
        _ if worker.stuck => WorkerState::Stuck,
        WorkerStatus::Starting => WorkerState::Starting,
        WorkerStatus::Waiting => WorkerState::Waiting,
        WorkerStatus::Stopping(_) => WorkerState::Stopping,
        WorkerStatus::Backoff { .. } => WorkerState::Backoff,
        WorkerStatus::Running | WorkerStatus::Ended(_) | WorkerStatus::Refused(_) => match heard >= SILENCE {
            _ if worker.suspended => WorkerState::Suspended,
            true => WorkerState::Quiet,
            false => WorkerState::Running,
        },
    }
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

/// At most so many rows: those in trouble first, then by their instance; in the order of instances.
fn within(mut rows: Vec<WorkerRow>, most: usize) -> Vec<WorkerRow> {
    if rows.len() <= most {
        return rows;
    }
    let mut order: Vec<(bool, u64)> =
        rows.iter().map(|row| (!row.state.is_trouble(), row.instance)).collect();
    order.sort_unstable();
    let shown: BTreeSet<u64> = order.into_iter().take(most).map(|(_, instance)| instance).collect();
    rows.retain(|row| shown.contains(&row.instance));
    rows
}
