use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = time)]
    Remote { lamport: u64, title: String },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
