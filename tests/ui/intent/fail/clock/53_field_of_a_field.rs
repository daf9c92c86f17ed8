use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = stamp.lamport)]
    Remote { stamp: (u64, u64) },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
