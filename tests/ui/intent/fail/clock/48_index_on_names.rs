use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = 0)]
    Remote { lamport: u64, title: String },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
