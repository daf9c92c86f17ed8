use control_panel::{Context, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn load(cx: Context<Update>): Result<(), String> {
    cx.send(Update::Tick).await.map_err(|error| error.to_string())
}

fn main() {}
