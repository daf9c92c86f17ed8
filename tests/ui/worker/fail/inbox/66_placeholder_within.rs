use control_panel::{Context, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

pub struct Command;

#[worker(source = IntentSource::Restore, inbox = Vec<_>)]
async fn load(cx: Context<Update>) {
    let _: Option<Command> = None;
    cx.send(Update::Tick).await.ok();
}

fn main() {}
