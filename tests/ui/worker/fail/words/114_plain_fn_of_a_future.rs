use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
fn ticks(cx: Context<Update>) -> impl Future<Output = ()> {
    async move {
        cx.send(Update::Tick).await.ok();
    }
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
