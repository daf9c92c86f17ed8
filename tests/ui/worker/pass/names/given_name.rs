//! `name = …` where a generated name is taken: `ticks_` would have a `SpawnTicks` as well.

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

#[worker(source = IntentSource::Restore, name = tocks)]
async fn ticks_(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    assert_eq!(panel.spawn_ticks().name(), "ticks");
    assert_eq!(panel.spawn_tocks().name(), "tocks");
}
