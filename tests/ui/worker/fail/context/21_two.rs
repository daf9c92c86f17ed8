use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, other: Context<Update>) {
    let _ = (cx, other);
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_ticks(panel.context(IntentSource::Restore));
}
