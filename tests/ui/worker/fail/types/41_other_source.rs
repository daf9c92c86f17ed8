use control_panel::{Context, ControlPanel, GraphIntent, worker};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Feed {
    Rss,
}

#[derive(GraphIntent)]
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
