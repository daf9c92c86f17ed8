use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, _other: Context<Update>) {
    let _ = cx;
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    let _ = panel;
}
