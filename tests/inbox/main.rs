//! A worker's inbox: commands by the handle, of the type that the worker declares, never waited for, bounded, kept across
//! restarts, and handed back or dropped when no one takes them.

mod broadcast;
mod commands;
mod ends;
mod restarts;
mod types;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use control_panel::{Context, ControlPanel, Worker};
use tests::Mark;

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

/// Neither `Debug` nor `Clone` nor `Sync`.
struct Command(std::cell::Cell<u64>);

fn command(number: u64) -> Command {
    Command(std::cell::Cell::new(number))
}

type Seen = Arc<Mutex<Vec<u64>>>;

/// Notes the commands that it gets.
fn listener(seen: &Seen) -> Worker<Mark, (), Command> {
    let seen = Arc::clone(seen);
    Worker::new("listener", 0, move |cx: Context<Mark>| {
        let seen = Arc::clone(&seen);
        async move {
            let mut inbox = cx.inbox::<Command>();
            while let Some(Command(number)) = inbox.recv().await {
                seen.lock().unwrap().push(number.get());
            }
        }
    })
    .inbox::<Command>()
}
