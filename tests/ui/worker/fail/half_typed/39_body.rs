use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>) {
    let tick = cx.;
    drop(tick);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
