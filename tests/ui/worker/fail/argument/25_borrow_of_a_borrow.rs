use control_panel::{Context, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn load(cx: Context<Update>, text: &&str) {
    drop(text);
    cx.send(Update::Tick).await.ok();
}

fn main() {}
