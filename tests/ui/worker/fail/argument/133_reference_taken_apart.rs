use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, &n: &u8) {
    let _ = (cx, n);
}

fn main() {
    let _ = (ControlPanel::<Update>::new(), Update::Tick);
}
