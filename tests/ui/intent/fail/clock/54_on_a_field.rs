use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    Remote {
        #[intent(clock)]
        lamport: u64,
    },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
