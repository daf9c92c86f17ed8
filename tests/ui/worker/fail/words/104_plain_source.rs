use control_panel::{Context, ControlPanel, GraphIntent, worker};

enum Feed {
    Rss,
}

#[derive(GraphIntent)]
#[intent(source = Feed)]
enum Update {
    Tick,
}

#[worker(source = Feed::Rss)]
async fn ticks(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
