use control_panel::{Context, GraphIntent, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

struct Ticks;

impl Ticks {
    #[worker(source = control_panel::IntentSource::Restore)]
    async fn ticks(&self, cx: Context<Update>) {
        cx.send(Update::Tick).await.ok();
    }
}

fn main() {
    let _ = Ticks;
}
