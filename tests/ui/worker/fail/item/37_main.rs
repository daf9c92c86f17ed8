use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn main(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

fn rest(panel: &ControlPanel<Update>) {
    let _ = panel;
}
