//! It is to go back by undo records, and makes none.

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
    let _ = Replica::builder(Peer([1; 32]), Words::default()).undoing().build();
}
