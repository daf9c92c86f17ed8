//! An operation goes to others and stays here: it is cloned where both need it.

use control_panel::{Stamp, State};

#[derive(Clone, Default)]
struct Words(Vec<String>);

struct Write(String);

impl State for Words {
    type Op = Write;

    fn apply(&mut self, op: &Write, _: &Stamp) {
        self.0.push(op.0.clone());
    }
}

fn main() {}
