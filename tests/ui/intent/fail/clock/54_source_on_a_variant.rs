use control_panel::GraphIntent;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Feed {}

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(source = Feed)]
    Remote(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
