use control_panel::{ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks() {}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
