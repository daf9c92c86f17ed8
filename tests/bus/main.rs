//! The way back: signals announce what happened to all subscribers, and hold up no publisher.

mod end;
mod frames;
mod lag;
mod order;
mod wake;

use control_panel::{
    ControlPanel,
    bus::{Received, Subscription},
};
use tests::Mark;

type Panel = ControlPanel<Mark>;

/// A signal of these tests.
#[derive(Debug, PartialEq)]
struct Note(u64);

/// What is there now, where nothing was missed.
fn notes(subscription: &mut Subscription<Note, u8>) -> Vec<u64> {
    subscription
        .drain()
        .map(|received| match received {
            Received::Signal(note) => note.0,
            Received::Lagged(missed) => panic!("{missed} were missed"),
        })
        .collect()
}
