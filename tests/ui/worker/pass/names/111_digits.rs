//! Two workers whose names differ by an underscore before a digit.

#![deny(warnings)]

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn fetch2(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

#[worker(source = IntentSource::Restore)]
async fn fetch_2(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_fetch2();
    panel.spawn_fetch_2();
}
