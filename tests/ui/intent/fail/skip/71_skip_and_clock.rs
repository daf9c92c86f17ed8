use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(skip, clock = lamport)]
    Merged { lamport: u64 },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
