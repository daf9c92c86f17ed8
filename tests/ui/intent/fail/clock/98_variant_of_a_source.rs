use control_panel::GraphIntent;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Feed {
    Rss,
}

#[derive(GraphIntent)]
#[intent(source = Feed::Rss)]
enum Update {
    Tick,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
