use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(beats: u32, cx: Context<Update>) {
    let _ = (cx, beats);
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_ticks(3);
}
