//! The value that is shared has no `apply`.

use control_panel::{Peer, Replica};

#[derive(Clone, Default)]
struct Words(Vec<String>);

fn main() {
    let peer = Peer([1; 32]);
    Replica::new(peer, [peer], Words::default());
}
