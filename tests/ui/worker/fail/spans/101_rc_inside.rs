use std::rc::Rc;

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, names: Vec<Rc<str>>) {
    let _ = names.len();
    cx.send(Update::Tick).await.ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(Vec::new());
}
