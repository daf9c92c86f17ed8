use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, cx: u64) {
    let _ = cx;
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(1);
    let _ = Update::Tick;
}
