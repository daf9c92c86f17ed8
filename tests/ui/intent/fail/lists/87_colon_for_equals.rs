use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(clock: at)]
    Remote { at: u64 },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
