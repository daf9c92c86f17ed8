//! One console for all viewers, read at a bounded rate.

use std::{convert::Infallible, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{refusals::Refused, server::Shared};
use crate::{
    console::{Console, Limits, View},
    context::race,
    util::mutex::Mutex,
};

/// How often viewers hear something at least, and at most.
const SLOWEST: Duration = Duration::from_secs(1);
const FASTEST: Duration = Duration::from_millis(250);

/// How old figures may be that are read again for a request of its own.
const FRESH: Duration = Duration::from_millis(100);

/// How many of the last points each message has: a viewer that misses some messages misses no point.
const POINTS: usize = 10;

/// What viewers read.
pub(super) struct Feed {
    state: Mutex<State>,
    /// The newest message. A viewer that reads slowly misses those between.
    messages: watch::Sender<Arc<str>>,
}

struct State {
    console: Console,
    /// The last look.
    view: Option<(Instant, View)>,
}

impl Default for Feed {
    fn default() -> Self {
        let limits = Limits { workers: 500, ..Limits::default() };
        Self {
            state: Mutex::new(State { console: Console::new(limits), view: None }),
            messages: watch::Sender::new(Arc::from("{}")),
        }
    }
}

/// Reads the panel forever: when something changes, four times a second at most, once a second at least.
pub(super) async fn run(shared: &Shared, beat: impl Fn()) -> Infallible {
    loop {
        beat();
        let began = Instant::now();
        let cursor = {
            let mut state = shared.feed.state.lock();
            state.look(shared, began);
            if shared.refusals.viewers() > 0 {
                shared.feed.messages.send_replace(Arc::from(state.message(shared).to_string()));
            }
            state.console.cursor()
        };
        race(shared.observer.changed(cursor), sleep_until(began + SLOWEST)).await;
        sleep_until(began + FASTEST).await;
    }
}

impl Feed {
    /// The messages from now on.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<str>> {
        self.messages.subscribe()
    }

    /// Everything, as of now.
    pub(super) fn status(&self, shared: &Shared) -> String {
        let mut state = self.state.lock();
        let view = json(state.recent(shared));
        json!({ "view": view, "history": json(state.console.history()), "dashboard": about(shared) })
            .to_string()
    }

    /// The last view, read again if it is old.
    pub(super) fn view(&self, shared: &Shared) -> View {
        self.state.lock().recent(shared).clone()
    }
}

impl State {
    fn look(&mut self, shared: &Shared, now: Instant) -> &View {
        let view = self.console.refresh(&shared.observer);
        &self.view.insert((now, view)).1
    }

    fn recent(&mut self, shared: &Shared) -> &View {
        let now = Instant::now();
        match &self.view {
            Some((at, _)) if now.saturating_duration_since(*at) < FRESH => {}
            _ => {
                self.look(shared, now);
            }
        }
        // There is one by now.
        let Self { console, view } = self;
        &view.get_or_insert_with(|| (now, console.view(now))).1
    }

    fn message(&self, shared: &Shared) -> Value {
        let history = self.console.history();
        let points = history.points.iter().rev().take(POINTS).rev().collect::<Vec<_>>();
        json!({
            "view": self.view.as_ref().map(|(_, view)| json(view)),
            "sources": json(&history.sources),
            "points": json(&points),
            "dashboard": about(shared),
        })
    }
}

/// What the dashboard says of itself.
pub(super) fn about(shared: &Shared) -> Value {
    let refused =
        Refused::ALL.iter().map(|(why, name)| ((*name).to_owned(), json(&shared.refusals.of(*why))));
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "viewers": shared.refusals.viewers(),
        "most_viewers": shared.viewers,
        "left": shared.refusals.left(),
        "refused": refused.collect::<serde_json::Map<_, _>>(),
        "takes_token": shared.guard.token.is_some(),
        "paused": shared.pause.as_ref().map(super::FramePause::is_paused),
    })
}

/// Figures and texts, which are always JSON.
fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}
