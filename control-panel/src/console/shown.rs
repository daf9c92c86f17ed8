//! What a console shows: its view at a moment, of what it keeps.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use super::{
    Console, FrameState, FramesView, PanelState, Quantiles, QueueView, SILENCE, Snapshot, SourceRow, View,
    WorkerKind, WorkerRow, WorkerState, frames_view::rank, text,
};
use crate::{
    frame::FrameSample,
    lifecycle::WorkerStatus,
    panel::observed::{PanelFigures, SourceFigures},
    supervisor::{
        kinds::Kind,
        observed::{Observed, ObservedWorker},
    },
};

/// The frames of this long are measured together.
const MEASURED: Duration = Duration::from_secs(10);

/// # Showing
impl Console {
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

    fn rows(&self, observed: &Observed, gone: bool, now: Instant) -> Vec<WorkerRow> {
        observed
            .workers
            .iter()
            .filter(|worker| !worker.info.status.is_final())
            .map(|worker| self.row(worker, gone, now))
            .collect()
    }

    fn row(&self, worker: &ObservedWorker, gone: bool, now: Instant) -> WorkerRow {
        let heard_at = self.heard.get(&worker.info.origin.0).map_or(worker.since, |heard| heard.at);
        let heard = now.saturating_duration_since(heard_at);
        let state = state(worker, heard, gone);
        let failure = self.heard.get(&worker.info.origin.0).and_then(|heard| heard.failure.as_ref());
        let backoff_left = match &worker.info.status {
            WorkerStatus::Backoff { until, .. } => Some(until.saturating_duration_since(now)),
            _ => None,
        };
        let text = match (state, &worker.info.status, backoff_left) {
            (WorkerState::Backoff, WorkerStatus::Backoff { exit, .. }, Some(left)) => {
                text::line(format_args!("restarts in {left:.1?}: {}", text::exit(exit)))
            }
            (WorkerState::Stopping, WorkerStatus::Stopping(cause), _) => format!("asked to stop: {cause}"),
            (WorkerState::Quiet, ..) => format!("not heard of for {} s", heard.as_secs()),
            (WorkerState::Gone, ..) => "its panel is gone".to_owned(),
            (state, ..) => state.to_string(),
        };
        WorkerRow {
            name: text::line(format_args!("{}", worker.info.name)),
            instance: worker.info.origin.0,
            source: text::line(format_args!("{}", worker.info.source)),
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
            generation: worker.info.generation,
            group: worker.group,
            restarts: worker.restarts,
            restarts_allowed: worker.limit.map(|(restarts, _)| restarts),
            restarts_within: worker.limit.map(|(_, period)| period),
            backoff_left,
            last_error: failure.map(|failure| failure.text.clone()),
            last_panic: failure.and_then(|failure| failure.panic.clone()),
            heartbeat: worker.heartbeat.map(|(_, ago)| ago + self.age(now)),
            sent: worker.sends.sent,
            rate: self.rates.workers.get(&worker.info.origin.0).copied().unwrap_or_default(),
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
            depth: figures.counts.queued,
            capacity: figures.capacity,
            // What is not known any more does not grow older.
            oldest: figures
                .oldest
                .map(|oldest| (if latest.gone { latest.at } else { now }).saturating_duration_since(oldest)),
            waiting: figures.counts.waiting,
            accepted: figures.counts.accepted,
            drained: figures.counts.drained,
            refused: figures.counts.refused,
            dropped: figures.counts.dropped,
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
        let waits = known.is_some_and(|figures| figures.counts.queued > 0)
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

fn state(worker: &ObservedWorker, heard: Duration, gone: bool) -> WorkerState {
    match &worker.info.status {
        _ if gone => WorkerState::Gone,
        _ if worker.info.stuck => WorkerState::Stuck,
        WorkerStatus::Starting => WorkerState::Starting,
        WorkerStatus::Waiting => WorkerState::Waiting,
        WorkerStatus::Stopping(_) => WorkerState::Stopping,
        WorkerStatus::Backoff { .. } => WorkerState::Backoff,
        WorkerStatus::Running | WorkerStatus::Ended(_) | WorkerStatus::Refused(_) => match heard >= SILENCE {
            _ if worker.info.suspended => WorkerState::Suspended,
            true => WorkerState::Quiet,
            false => WorkerState::Running,
        },
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
