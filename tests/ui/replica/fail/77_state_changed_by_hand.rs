//! Shared state changes by operations alone.

use control_panel::{Peer, Replica, Stamp, State};

#[derive(Clone, Default)]
struct Words(Vec<String>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, op: &String, _: &Stamp) {
        self.0.push(op.clone());
    }
}

fn main() {
    let replica = Replica::new(Peer([1; 32]), [], Words::default());
    replica.state().0.push("mine alone".to_owned());
}
