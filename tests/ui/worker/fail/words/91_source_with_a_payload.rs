use control_panel::{Context, ControlPanel, GraphIntent, worker};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Feed {
    Peer(u32),
}

#[derive(GraphIntent)]
#[intent(source = Feed)]
enum Update {
    Tick,
}

#[worker(source = Feed::Peer(3))]
async fn ticks(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
