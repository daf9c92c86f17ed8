use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(_: Context<Update>);

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
