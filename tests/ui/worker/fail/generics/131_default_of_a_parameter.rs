use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks<I: control_panel::Intent<Source = IntentSource> = Update>(cx: Context<I>) {
    drop(cx);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
    let _ = Update::Tick;
}
