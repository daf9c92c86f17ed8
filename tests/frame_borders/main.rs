//! What does not depend on where one frame ends and the next begins: when slots are free again, what a producer's own order
//! is, and how soon an intent is applied.

mod budget;
mod latest;
mod read_to_the_end;

use control_panel::ControlPanel;
use tests::Mark;

type Panel = ControlPanel<Mark>;

fn ids(frame: impl Iterator<Item = control_panel::QueuedIntent<Mark>>) -> Vec<u64> {
    frame.map(|queued| queued.intent.id).collect()
}
