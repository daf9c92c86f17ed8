use control_panel::GraphIntent;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feed {
    Rss,
}

#[derive(GraphIntent)]
#[intent(source = Feed)]
enum Update {
    Tick,
}

fn main() {
    let _ = (Feed::Rss, Update::Tick);
}
