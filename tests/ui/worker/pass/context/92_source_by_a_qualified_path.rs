//! A source that is a constant of a trait.

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

trait Home {
    const SOURCE: IntentSource;
}

impl Home for Update {
    const SOURCE: IntentSource = IntentSource::Restore;
}

trait Sourced {
    type Source;
}

impl Sourced for Update {
    type Source = IntentSource;
}

#[derive(GraphIntent)]
#[intent(source = <Update as Sourced>::Source)]
enum Other {
    Tock,
}

#[worker(source = <Update as Home>::SOURCE)]
async fn ticks(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

#[worker(source = <Update as Home>::SOURCE)]
async fn tocks(cx: Context<Other>) {
    cx.send(Other::Tock).await.ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
    ControlPanel::<Other>::new().spawn_tocks();
}
