//! What a panel tells a tracing subscriber and a metrics recorder. Features `tracing` and `metrics` of this package.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use control_panel::{
    Backoff, Cancel, Context, ControlPanel, GraphIntent, Intensity, IntentSource, Peer, QueuedIntent,
    Reducer, Replica, Restart, Stamp, State, Undoable, Worker, WorkerHandle, testing,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tests::{eventually, watched};
use tracing::{Id, Subscriber, span};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer, prelude::*, registry::LookupSpan};

#[derive(GraphIntent)]
enum Update {
    Line,
    #[intent(lossy)]
    Hint,
}

struct Nothing;

impl Reducer for Nothing {
    type Intent = Update;

    fn apply(&mut self, _: QueuedIntent<Update>) {}
}

/// Fails once, from inside its own span.
fn flaky() -> Worker<Update> {
    Worker::new("flaky", IntentSource::Restore, |cx: Context<Update>| async move {
        tracing::info!("at work");
        cx.send(Update::Line).await.ok();
        if cx.generation() == 1 {
            return Err("the disk is gone");
        }
        std::future::pending::<Result<(), &str>>().await
    })
    .restart(Restart::OnFailure)
    .intensity(Intensity::new(3, Duration::from_secs(1)))
    .backoff(Backoff::none())
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// One at a time: where no subscriber listens, a place that logs for the first time is remembered as silent, until the next
/// subscriber comes.
static TURN: Mutex<()> = Mutex::new(());

async fn a_bad_day(panel: &mut ControlPanel<Update>) {
    panel.spawn(flaky());
    testing::settle().await;
    panel.run_frame(&mut Nothing, &mut (), [(IntentSource::LocalUI, Update::Line)]);
    let hints = panel.sender(IntentSource::PrefetchScheduler);
    for _ in 0..300 {
        hints.try_send(Update::Hint).ok();
    }
    panel.run_frame(&mut Nothing, &mut (), []);
    panel.worker("flaky").unwrap().restart().unwrap();
    testing::settle().await;
    panel.worker("flaky").unwrap().stop();
    testing::settle().await;
}

#[test]
fn a_subscriber_sees_spans_lifecycle_and_drops() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_ansi(false)
        .without_time()
        .with_max_level(tracing::Level::DEBUG)
        .finish();
    tracing::subscriber::with_default(subscriber, || testing::paused(a_bad_day));
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let has = |parts: &[&str]| text.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    for generation in ["generation=1", "generation=2"] {
        let span = [
            "at work",
            "worker{",
            "name=\"flaky\"",
            "source=\"Restore\"",
            "panel=\"control-panel\"",
            generation,
        ];
        assert!(has(&span), "{text}");
    }
    let whose = ["control_panel: ", "panel=\"control-panel\"", "worker=\"flaky\"", "source=\"Restore\""];
    let logged = |parts: &[&str]| has(&[&whose, parts].concat());
    assert!(logged(&["WARN", "the disk is gone", "generation=1"]), "{text}");
    assert!(logged(&["INFO", "restarted", "generation=2"]), "{text}");
    assert!(logged(&["INFO", "asked to stop: it is restarted", "generation=2"]), "{text}");
    assert!(logged(&["INFO", "restarted", "generation=3"]), "by hand: {text}");
    assert!(logged(&["DEBUG", "asked to stop: it was stopped"]), "{text}");
    assert!(has(&["INFO control_panel: ", "lossy intents were dropped", "dropped=", "panel="]), "{text}");
    assert!(!text.contains("control_panel::"), "the target is the crate: {text}");
}

/// Says when it is dropped.
struct Cleanup(&'static str);

impl Drop for Cleanup {
    fn drop(&mut self) {
        tracing::info!("cleanup of {}", self.0);
    }
}

/// From the call of the factory to the drop of the future, whatever ends it.
#[test]
fn the_span_of_a_generation_covers_its_beginning_and_its_cleanup() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = Lines::default();
    // For all threads: a local worker's is not this one.
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).without_time();
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let panel = ControlPanel::<Update>::new();
    let source = IntentSource::Restore;
    let mut handles = Vec::new();
    for (name, cancel) in [("dropped", Cancel::Drop), ("cooperative", Cancel::Cooperative)] {
        let worker = Worker::new(name, source, move |_| {
            tracing::info!("factory of {name}");
            let cleanup = Cleanup(name);
            async move {
                let _cleanup = cleanup;
                std::future::pending::<()>().await;
            }
        });
        handles.push(panel.spawn(worker.cancel(cancel).grace(Duration::ZERO)));
    }
    handles.push(panel.spawn(Worker::new("finished", source, |_| {
        tracing::info!("factory of finished");
        let cleanup = Cleanup("finished");
        async move { drop(cleanup) }
    })));
    handles.push(panel.spawn(Worker::local("local", source, |_| {
        tracing::info!("factory of local");
        let cleanup = Cleanup("local");
        async move {
            let _cleanup = cleanup;
            std::future::pending::<()>().await;
        }
    })));
    handles.push(panel.spawn(Worker::thread("thread", source, |cx: Context<Update>| {
        tracing::info!("factory of thread");
        let _cleanup = Cleanup("thread");
        cx.cancelled_timeout(Duration::MAX);
    })));
    let text = || String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    eventually("all began", || text().matches("factory of").count() == handles.len());
    handles.iter().for_each(WorkerHandle::stop);
    for handle in &handles {
        handle.ended_blocking();
        for what in ["factory of", "cleanup of"] {
            let said = format!("{what} {}", handle.name());
            let inside = format!("worker{{name=\"{}\"", handle.name());
            let text = text();
            let line =
                text.lines().find(|line| line.ends_with(&said)).unwrap_or_else(|| panic!("{said}: {text}"));
            assert!(line.contains(&inside), "{line}");
        }
    }
}

/// Asks the panel for something whenever it is notified of a span, which takes the lock of all workers.
#[derive(Clone, Default)]
struct Curious {
    worker: Arc<OnceLock<WorkerHandle>>,
    spans: Arc<Mutex<Vec<&'static str>>>,
}

impl Curious {
    fn ask(&self, of: &'static str) {
        if let Some(worker) = self.worker.get() {
            worker.stop();
        }
        self.spans.lock().unwrap().push(of);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Curious {
    fn on_new_span(&self, _: &span::Attributes<'_>, _: &Id, _: layer::Context<'_, S>) {
        self.ask("new");
    }

    fn on_close(&self, _: Id, _: layer::Context<'_, S>) {
        self.ask("closed");
    }
}

#[test]
fn a_subscriber_may_ask_the_panel_when_a_span_begins_and_when_it_closes() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    watched(|| {
        let curious = Curious::default();
        let subscriber = tracing_subscriber::registry().with(curious.clone());
        tracing::subscriber::with_default(subscriber, || {
            testing::paused(async |panel: &mut ControlPanel<Update>| {
                let idle =
                    Worker::new("idle", IntentSource::Restore, async |_| std::future::pending::<()>().await);
                let idle = panel.spawn(idle);
                testing::settle().await;
                curious.worker.set(idle).ok();
                let flaky = panel.spawn(flaky());
                testing::settle().await;
                assert_eq!(flaky.status().to_string(), "running");
                panel.worker("flaky").unwrap().stop();
                testing::settle().await;
            });
        });
        let spans = curious.spans.lock().unwrap();
        let count = |of| spans.iter().filter(|&&span| span == of).count();
        assert_eq!(
            (count("new"), count("closed")),
            (3, 2),
            "the idle one's is kept by its handle: {spans:?}"
        );
    });
}

#[test]
fn a_recorder_is_given_depth_counts_restarts_and_times() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || testing::paused(a_bad_day));
    let mut seen = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
        seen.insert((key.key().name().to_owned(), labels.join(",")), value);
    }
    let counter = |name: &str, label: &str| match seen.get(&(name.to_owned(), label.to_owned())) {
        Some(DebugValue::Counter(count)) => *count,
        other => panic!("{name} {label}: {other:?} in {seen:?}"),
    };
    assert_eq!(counter("control_panel_worker_restarts_total", "control-panel,flaky"), 2);
    assert_eq!(counter("control_panel_worker_errors_total", "control-panel,flaky"), 1);
    assert_eq!(counter("control_panel_intents_total", "control-panel,Restore"), 2);
    assert_eq!(counter("control_panel_intents_total", "control-panel,LocalUI"), 1);
    let (taken, dropped) = (
        counter("control_panel_intents_total", "control-panel,PrefetchScheduler"),
        counter("control_panel_dropped_total", "control-panel"),
    );
    assert_eq!(taken + dropped, 300);
    let depth = seen.get(&("control_panel_queue_depth".to_owned(), "control-panel".to_owned()));
    assert!(matches!(depth, Some(DebugValue::Gauge(depth)) if depth.into_inner() > 0.0), "{depth:?}");
    let times = seen.get(&("control_panel_frame_seconds".to_owned(), "control-panel".to_owned()));
    assert!(matches!(times, Some(DebugValue::Histogram(times)) if times.len() == 2), "{times:?}");
}

/// One warning for a panic, and the end of it is none.
#[test]
fn a_panic_is_one_warning() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_ansi(false)
        .without_time()
        .with_max_level(tracing::Level::DEBUG)
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        testing::paused(async |panel: &mut ControlPanel<Update>| {
            let panics = Worker::new("panics", IntentSource::Restore, async |_| {
                tracing::info!("at work");
                tests::quiet_panic()
            });
            panel.spawn(panics).ended().await;
            let fails = Worker::new("fails", IntentSource::Restore, async |_| Err::<(), _>("it failed"));
            panel.spawn(fails).ended().await;
        });
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let warnings = |of: &str| text.lines().filter(|line| line.contains("WARN") && line.contains(of)).count();
    assert_eq!((warnings("on purpose"), warnings("it failed"), warnings("")), (1, 1, 2), "{text}");
    let at_work = text.lines().find(|line| line.contains("at work")).unwrap();
    assert!(at_work.contains("origin="), "the span tells workers of one name apart: {text}");
    assert!(
        text.lines().filter(|line| line.contains("panicked")).all(|line| line.contains("origin=")),
        "{text}"
    );
}

#[test]
fn metrics_are_described_and_living_workers_counted_by_state() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let mut totals = BTreeMap::new();
    let mut workers = || {
        for (key, unit, description, value) in snapshotter.snapshot().into_vec() {
            assert!(unit.is_some() && description.is_some(), "{key:?} is not described");
            if key.key().name() == "control_panel_workers" {
                let state =
                    key.key().labels().find(|label| label.key() == "state").unwrap().value().to_owned();
                let DebugValue::Gauge(count) = value else { panic!("a gauge") };
                // A snapshot sets the gauges back.
                *totals.entry(state).or_insert(0.0) += count.into_inner();
            }
        }
        let mut living = totals.clone();
        living.retain(|_, count: &mut f64| count.abs() > 0.5);
        living
    };
    metrics::with_local_recorder(&recorder, || {
        testing::paused(async |panel: &mut ControlPanel<Update>| {
            let patient = |name| Worker::new(name, IntentSource::Restore, |_| std::future::pending::<()>());
            let (first, _second) = (panel.spawn(patient("first")), panel.spawn(patient("second")));
            let fails = Worker::new("fails", IntentSource::Restore, async |_| Err::<(), _>("down"))
                .restart(Restart::OnFailure)
                .backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(1)));
            panel.spawn(fails);
            let expected = |states: &[(&str, f64)]| {
                states.iter().map(|&(state, count)| (state.to_owned(), count)).collect()
            };
            assert_eq!(workers(), expected(&[("starting", 3.0)]));
            testing::settle().await;
            assert_eq!(workers(), expected(&[("running", 2.0), ("backoff", 1.0)]));
            first.stop();
            first.ended().await;
            assert_eq!(workers(), expected(&[("running", 1.0), ("backoff", 1.0)]));
            panel.run_frame(&mut Nothing, &mut (), []);
            panel.shutdown().await;
            assert_eq!(workers(), expected(&[]));
        });
    });
}

#[derive(Clone, Default)]
struct Counter(u64);

impl State for Counter {
    type Op = u64;

    fn apply(&mut self, count: &u64, _: &Stamp) {
        self.0 += count;
    }
}

impl Undoable for Counter {
    type Undo = ();

    fn apply_undoable(&mut self, count: &u64, stamp: &Stamp) {
        self.apply(count, stamp);
    }

    fn undo(&mut self, count: &u64, (): ()) {
        self.0 -= count;
    }
}

struct Shared(Replica<Counter>);

impl Reducer for Shared {
    type Intent = Update;

    fn apply(&mut self, _: QueuedIntent<Update>) {
        self.0.commit(1);
    }

    fn settle(&mut self) {
        let _ = self.0.settle();
    }
}

/// One operation of another replica, in a frame of three, that sorts before two of this one's.
#[test]
fn what_a_frame_redid_is_logged_and_counted_and_nothing_where_there_was_nothing_to_redo() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_ansi(false)
        .without_time()
        .with_max_level(tracing::Level::DEBUG)
        .finish();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let frames = || {
        let peers = [Peer([1; 32]), Peer([2; 32])];
        let replica = |peer| Replica::builder(peer, Counter(0)).members(peers).undoing().build();
        let [mut here, mut there] = peers.map(|peer| Shared(replica(peer)));
        there.0.commit(10);
        let mut panel = ControlPanel::<Update>::builder().name("shared").build();
        let local = || [(IntentSource::LocalUI, Update::Line), (IntentSource::LocalUI, Update::Hint)];
        panel.run_frame(&mut here, &mut (), local());
        here.0.merge(there.0.outbox().unwrap());
        panel.run_frame(&mut here, &mut (), []);
        panel.run_frame(&mut here, &mut (), []);
        assert_eq!(here.0.state().0, 12);
    };
    metrics::with_local_recorder(&recorder, || tracing::subscriber::with_default(subscriber, frames));
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let said: Vec<_> = text.lines().filter(|line| line.contains("put in order")).collect();
    let [line] = said[..] else { panic!("one frame of three: {text}") };
    for part in ["DEBUG control_panel: ", "panel=\"shared\"", "merged=1", "undone=1", "redone=1", "jobs=0"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let counters: BTreeMap<_, _> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .filter(|(key, ..)| key.key().name().contains("_operations_") || key.key().name().contains("_redo_"))
        .map(|(key, unit, described, value)| {
            assert!(unit.is_some() && described.is_some(), "{key:?} is not described");
            let DebugValue::Counter(count) = value else { panic!("a counter: {key:?}") };
            (key.key().name().trim_start_matches("control_panel_").to_owned(), count)
        })
        .collect();
    let expected = [
        ("operations_merged_total", 1),
        ("operations_redone_total", 1),
        ("operations_undone_total", 1),
        ("redo_jobs_total", 0),
    ];
    assert_eq!(counters, expected.map(|(name, count)| (name.to_owned(), count)).into());
}
