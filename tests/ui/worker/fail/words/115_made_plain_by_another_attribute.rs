use std::pin::Pin;

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
fn ticks(cx: Context<Update>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        cx.send(Update::Tick).await.ok();
    })
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
