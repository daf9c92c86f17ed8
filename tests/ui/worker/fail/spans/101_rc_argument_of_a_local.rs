use std::rc::Rc;

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore, kind = local)]
async fn ticks(cx: Context<Update>, name: Rc<String>) {
    let _ = name.len();
    cx.send(Update::Tick).await.ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(Default::default());
}
