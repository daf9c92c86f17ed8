use control_panel::{Context, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

trait SpawnTicks {}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

fn main() {}
