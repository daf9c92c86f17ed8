use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[derive(GraphIntent)]
enum Other {
    Tock,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>) {
    drop(cx);
    let _ = Update::Tick;
}

fn main() {
    ControlPanel::<Other>::new().spawn_ticks();
    let _ = Other::Tock;
}
