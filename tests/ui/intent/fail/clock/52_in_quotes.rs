use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = "lamport")]
    Remote { lamport: u64 },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
