use control_panel::{ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(names: Vec<String>) {
    drop(names);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(Vec::new());
}
