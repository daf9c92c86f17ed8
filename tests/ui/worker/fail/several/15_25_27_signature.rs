use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
fn ticks(cx: Context<Update>, name: &str, (first, second): (u8, u8)) {
    let _ = (cx, name, first, second);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks("tick".into(), (1, 2));
}
