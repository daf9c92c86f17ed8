use control_panel::{Context, IntentSource, worker};

enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(_: Context<Update>) {}

fn main() {
    let _ = Update::Tick;
}
