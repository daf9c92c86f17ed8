use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, pair: (u8, Option<[u8]>)) {
    drop((cx, pair, Update::Tick));
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks((1, Some(vec![2])));
}
