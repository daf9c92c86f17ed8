//! The watchdog: what is stuck is found while it is, though every thread of the runtime be blocked; what is merely slow is
//! not; and of a worker that is to start anew no second copy begins while the first lives.

mod consequences;
mod found;
mod refused;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{
    Context, ControlPanel,
    events::{Event, EventKind, Events, Notice},
    supervision::Cause,
};
use tests::{Mark, eventually, offenders::OnDrop};
use tokio::runtime::Runtime;

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);
/// Long enough for a healthy worker to keep it, however busy the machine is.
const PROMISE: Duration = Duration::from_millis(400);

/// Its shutdown leaves workers time to stop, however busy the machine is.
fn on(runtime: &Runtime) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).shutdown_timeout(Duration::from_secs(20)).build()
}

/// The events of stuck workers since the last call.
fn since_last(events: &mut Events) -> Vec<Event> {
    let all = std::iter::from_fn(|| events.try_next()).map(|notice| match notice {
        Notice::Event(event) => event,
        Notice::Lagged(missed) => panic!("{missed} events are missing"),
    });
    all.filter(|event| {
        matches!(
            event.kind,
            EventKind::Stuck(_) | EventKind::Recovered | EventKind::Escalated | EventKind::GaveUp
        )
    })
    .collect()
}

fn next(events: &mut Events) -> Event {
    let mut found = Vec::new();
    eventually("something is found", || {
        found = since_last(events);
        !found.is_empty()
    });
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// Sends heartbeats until it is hushed, and ends once it is let go.
#[derive(Clone, Default)]
struct Silent {
    hushed: Arc<AtomicBool>,
    go: Arc<AtomicBool>,
    living: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    cause: Arc<std::sync::Mutex<Vec<Option<Cause>>>>,
}

impl Silent {
    fn enter(&self) -> OnDrop {
        let living = self.living.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(living, Ordering::SeqCst);
        OnDrop(Arc::default())
    }

    fn leave(&self, cause: Option<Cause>) {
        self.cause.lock().unwrap().push(cause);
        self.living.fetch_sub(1, Ordering::SeqCst);
    }

    fn body(&self, cx: &Context<Mark>) {
        let _living = self.enter();
        while !self.go.load(Ordering::SeqCst) {
            if cx.generation() > 1 || !self.hushed.load(Ordering::SeqCst) {
                cx.heartbeat();
            }
            // The first is deaf, later ones stop when they are asked to.
            if cx.generation() > 1 && cx.is_cancelled() {
                break;
            }
            thread::sleep(MS);
        }
        self.leave(cx.cause());
    }
}

/// The status says so: once the supervisor is not busy with just that.
fn stuck_are(panel: &Panel, names: &[&str]) {
    eventually("the status names the worker that is stuck", || {
        let workers = panel.status().workers;
        workers.iter().filter(|info| info.stuck).map(|info| info.name.as_str()).eq(names.iter().copied())
    });
}
