use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(from)]
    Tick,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
