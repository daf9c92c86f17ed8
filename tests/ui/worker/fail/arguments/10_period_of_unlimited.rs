use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore, restart = on_failure, intensity = unlimited, period = "10s")]
async fn feed(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_feed();
}
