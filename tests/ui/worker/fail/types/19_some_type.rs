use control_panel::{GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

struct Clock;

#[worker(source = IntentSource::Restore)]
async fn ticks(clock: Clock) {
    drop(clock);
}

fn main() {
    let _ = Update::Tick;
}
