//! `--demo`: workers that fail, for a console that has something to show. What they do follows from the number of their run alone.

use std::time::Duration;

use control_panel::{IntentSource, worker};

use crate::{Panel, intent::GraphIntent, policy::LifecyclePolicy};

type Context = control_panel::Context<GraphIntent, LifecyclePolicy>;

/// There is no such host.
#[derive(Debug)]
struct Unreachable;

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no route to host")
    }
}

impl std::error::Error for Unreachable {}

pub(crate) fn spawn(panel: &Panel) {
    panel.spawn_feeds();
    panel.spawn_index();
    panel.spawn_mirror();
}

/// Fails in each run.
#[worker(source = IntentSource::PrefetchScheduler, restart = on_failure, backoff = "20s")]
async fn mirror(_cx: Context) -> Result<(), Unreachable> {
    tokio::time::sleep(Duration::from_millis(300)).await;
    Err(Unreachable)
}

/// Panics in each run.
#[worker(source = IntentSource::ModLoader, restart = on_failure, backoff = "30s")]
async fn feeds(cx: Context) {
    tokio::time::sleep(Duration::from_millis(500)).await;
    let feeds = ["news.xml"];
    let wanted = usize::try_from(cx.generation()).unwrap_or(usize::MAX);
    std::hint::black_box(feeds[wanted]);
}

/// Says that it is alive.
#[worker(source = IntentSource::Restore)]
async fn index(cx: Context) {
    while !cx.is_cancelled() {
        cx.heartbeat();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use control_panel::console::{Console, EndKind, WorkerState};

    use super::*;

    #[test]
    fn the_demo_fails_as_it_is_meant_to() {
        let panel = Panel::builder().policy(LifecyclePolicy::default()).build();
        let (observer, mut console) = (panel.observer(), Console::default());
        spawn(&panel);
        let began = Instant::now();
        let view = loop {
            let view = console.refresh(&observer);
            if ["mirror", "feeds"].iter().all(|name| view.ends.iter().any(|end| end.name == *name)) {
                break view;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{:#?}", view.ends);
            std::thread::sleep(Duration::from_millis(20));
        };
        let of = |name: &str| view.ends.iter().find(|end| end.name == name).expect("it ended");
        assert_eq!(of("mirror").kind, EndKind::Failed);
        let panic = of("feeds").panic.as_ref().expect("it panicked");
        assert!(
            panic.place.contains("demo.rs:") && panic.message.contains("index out of bounds"),
            "{panic:?}"
        );
        let alive = view.workers.iter().find(|worker| worker.name == "index").expect("it lives");
        assert_eq!(alive.state, WorkerState::Running);
    }
}
