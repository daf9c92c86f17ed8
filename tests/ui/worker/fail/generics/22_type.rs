use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks<T: Send>(cx: Context<Update>, beats: T) {
    let _ = (cx, beats);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(3);
}
