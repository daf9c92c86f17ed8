use control_panel::{GraphIntent, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

struct Ticks;

#[worker(source = control_panel::IntentSource::Restore)]
impl Ticks {}

fn main() {
    let _ = (Ticks, Update::Tick);
}
