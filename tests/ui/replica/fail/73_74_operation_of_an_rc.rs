//! What exceeds a frame's budget is applied on another thread.

use std::rc::Rc;

use control_panel::{Stamp, State};

#[derive(Clone, Default)]
struct Words(Vec<String>);

#[derive(Clone)]
struct Write(Rc<str>);

impl State for Words {
    type Op = Write;

    fn apply(&mut self, op: &Write, _: &Stamp) {
        self.0.push(op.0.to_string());
    }
}

fn main() {}
