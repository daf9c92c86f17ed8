//! A program that is woken: what it wants to know, what it knows, and what finds it out. Whatever draws it is elsewhere.

use std::time::Duration;

use control_panel::{Context, GraphIntent, IntentSource, QueuedIntent, Reducer, worker};

#[derive(GraphIntent)]
pub(crate) enum Update {
    Found(u32),
}

#[derive(Default)]
pub(crate) struct Findings(pub(crate) Vec<u32>);

impl Reducer for Findings {
    type Intent = Update;
    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Found(n) = queued.intent;
        self.0.push(n);
    }
}

#[worker(source = IntentSource::Restore)]
pub(crate) async fn search(cx: Context<Update>, upto: u32) {
    for n in 1..=upto {
        tokio::time::sleep(Duration::from_millis(1)).await;
        if cx.send(Update::Found(n)).await.is_err() {
            return;
        }
    }
}
