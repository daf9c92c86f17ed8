use control_panel::GraphIntent;
use serde::{Deserialize, Serialize};

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    Opened(u32),
    #[intent(skip)]
    #[serde(skip)]
    MouseMoved(std::time::Instant),
    Closed(u32),
}

fn main() {}
