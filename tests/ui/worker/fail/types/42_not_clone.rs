use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
use std::fs::File;

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore, restart = on_failure)]
async fn ticks(cx: Context<Update>, file: Vec<File>) {
    let _ = (cx, file);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(Vec::new());
}
