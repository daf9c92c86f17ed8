use control_panel::GraphIntent;

#[derive(GraphIntent)]
#[intent = "Feed"]
enum Update {
    Tick,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
