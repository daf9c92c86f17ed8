use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(latest = 1)]
    Level(u8),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
