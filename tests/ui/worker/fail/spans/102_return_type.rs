use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>) -> Result<u32, String> {
    cx.send(Update::Tick).await.ok();
    unreachable!()
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
