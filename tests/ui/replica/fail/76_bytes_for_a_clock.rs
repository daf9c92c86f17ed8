//! What arrives is decoded before it is an intent: bytes have no clock, a delta has.

use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(clock = delta)]
    ApplyRemoteDelta { delta: Vec<u8> },
}

fn main() {}
