use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, names: Vec<&str>) {
    let _ = (cx, names);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(vec!["tick".into()]);
}
