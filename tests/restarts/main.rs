//! Promise 5, when a worker that failed comes back: how many restarts are too many, and how long each waits, on a paused
//! clock. Random histories, each compared with the plainest account of what is promised. (`lifecycles`: in any order with
//! stops and replacements.)

mod backoff;
mod defaults;
mod window;

use std::{
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use control_panel::{Context, ControlPanel, Restart, Worker};
use tests::Mark;
use tokio::time::{Instant, sleep};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

/// What one generation does before it fails.
#[derive(Debug, Clone, Copy)]
struct Life {
    up: Duration,
    /// Whether it says that it is well: as its first words, or its last.
    well: Option<Words>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Words {
    First,
    Last,
}

/// When the generations began, and when they failed.
#[derive(Debug, Clone, Default)]
struct Times {
    began: Arc<Mutex<Vec<Instant>>>,
    failed: Arc<Mutex<Vec<Instant>>>,
}

impl Times {
    /// A worker that lives these lives and then stays up.
    fn worker(&self, lives: Vec<Life>) -> Worker<Mark> {
        let times = self.clone();
        Worker::new("fails", 0, move |cx: Context<Mark>| {
            let (times, life) = (times.clone(), lives.get(nth(cx.generation())).copied());
            async move {
                times.began.lock().unwrap().push(Instant::now());
                let Some(life) = life else { return future::pending().await };
                let says = |words| {
                    if life.well == Some(words) {
                        cx.healthy();
                    }
                };
                says(Words::First);
                sleep(life.up).await;
                says(Words::Last);
                times.failed.lock().unwrap().push(Instant::now());
                Err::<(), _>("down")
            }
        })
        .restart(Restart::OnFailure)
    }
}

/// Generations count from 1.
fn nth(generation: u64) -> usize {
    usize::try_from(generation).unwrap() - 1
}

/// Fails after each of these ms, and is not waited for.
fn each(gaps: &[u64]) -> Vec<Life> {
    gaps.iter().map(|&gap| Life { up: Duration::from_millis(gap), well: None }).collect()
}
