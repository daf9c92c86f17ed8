use control_panel::GraphIntent;

#[derive(GraphIntent)]
#[intent(clock = lamport)]
enum Update {
    Tick,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
