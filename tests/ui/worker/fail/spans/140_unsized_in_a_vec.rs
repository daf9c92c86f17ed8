use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, names: Vec<str>) {
    drop((cx, names, Update::Tick));
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(vec![String::new()]);
}
