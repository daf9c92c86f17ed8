use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore, restart = always, on_stuck = explode)]
async fn ticks(cx: Context<Update>) {
    cx.try_send(Update::Tick).ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
