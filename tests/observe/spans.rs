//! What a tracing subscriber is given.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, IntentSource, Worker, WorkerHandle, supervision::Cancel, testing,
};
use tests::{eventually, watched};
use tracing::{Id, Subscriber, span};
use tracing_subscriber::{Layer, layer, prelude::*, registry::LookupSpan};

use super::{TURN, Update, a_bad_day, flaky, lines::Lines};

#[test]
fn a_subscriber_sees_spans_lifecycle_and_drops() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let text = Lines::logged(|| testing::paused(a_bad_day));
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
    let text = || lines.text();
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

/// One warning for a panic, and the end of it is none.
#[test]
fn a_panic_is_one_warning() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let text = Lines::logged(|| {
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
    let warnings = |of: &str| text.lines().filter(|line| line.contains("WARN") && line.contains(of)).count();
    assert_eq!((warnings("on purpose"), warnings("it failed"), warnings("")), (1, 1, 2), "{text}");
    let at_work = text.lines().find(|line| line.contains("at work")).unwrap();
    assert!(at_work.contains("origin="), "the span tells workers of one name apart: {text}");
    assert!(
        text.lines().filter(|line| line.contains("panicked")).all(|line| line.contains("origin=")),
        "{text}"
    );
}
