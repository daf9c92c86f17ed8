use control_panel::{GraphIntent, Intent};

#[derive(GraphIntent, Intent)]
enum Update {
    Tick,
}

fn main() {
    let _ = Update::Tick;
}
