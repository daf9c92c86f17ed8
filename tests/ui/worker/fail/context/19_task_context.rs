use control_panel::{ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: std::task::Context<'static>) {
    drop(cx);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
