use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(clock = clock, origin = form)]
    Remote { clock: u64, from: u64 },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
