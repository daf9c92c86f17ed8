use control_panel::{Context, ControlPanel, GraphIntent, Intent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks<I: Intent>(cx: Context<I>) {
    cx.cancelled().await;
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
    let _ = Update::Tick;
}
