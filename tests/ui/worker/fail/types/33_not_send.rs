use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
use std::rc::Rc;

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>) {
    let shared = Rc::new(3);
    cx.send(Update::Tick).await.ok();
    drop(shared);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
