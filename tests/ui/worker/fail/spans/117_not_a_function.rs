use control_panel::{IntentSource, worker};



#[worker(source = IntentSource::Restore)]
struct Ticks;

fn main() {
    let _ = Ticks;
}
