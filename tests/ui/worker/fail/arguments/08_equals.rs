use control_panel::{Context, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker = "IntentSource::Restore"]
async fn load(cx: Context<Update>) {
    let _ = IntentSource::Restore;
    cx.send(Update::Tick).await.ok();
}

fn main() {
    control_panel::ControlPanel::<Update>::new().spawn_load();
}
