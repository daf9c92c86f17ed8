use control_panel::GraphIntent;

#[derive(GraphIntent)]
#[intent(clock = lamport)]
enum Update {
    Tick,
    Remote { lamport: u64 },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
