use control_panel::{GraphIntent, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = control_panel::IntentSource::Restore)]
struct Ticks;

fn main() {
    let _ = (Ticks, Update::Tick);
}
