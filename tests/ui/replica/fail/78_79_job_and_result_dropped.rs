//! A job that is dropped is work that the next `settle` has to hand out again; and its result is of use to `finish` alone.

#![deny(unused_must_use)]

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
    let mut replica = Replica::new(Peer([1; 32]), [], Words::default());
    replica.settle();
    if let Some(job) = replica.settle().job {
        job.run();
    }
}
