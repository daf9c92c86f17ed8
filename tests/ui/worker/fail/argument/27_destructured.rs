use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, (first, second): (u8, u8)) {
    let _ = (cx, first, second);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks((1, 2));
}
