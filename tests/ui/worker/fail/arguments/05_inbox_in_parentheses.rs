use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

struct Ask;

#[worker(source = IntentSource::Restore, inbox(Ask))]
async fn search(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_search();
}
