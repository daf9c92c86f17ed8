use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks<'a>(cx: Context<Update>, name: &'a str) {
    let _ = (cx, name);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(String::from("tick"));
}
