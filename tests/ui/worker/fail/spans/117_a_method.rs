use control_panel::{Context, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

struct Ticks;

impl Ticks {
    #[worker(source = IntentSource::Restore)]
    async fn ticks(&self, cx: Context<Update>) {
        cx.send(Update::Tick).await.ok();
    }
}

fn main() {
    let _ = Ticks;
}
