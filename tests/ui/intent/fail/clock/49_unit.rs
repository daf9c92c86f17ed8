use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = lamport)]
    Remote,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
