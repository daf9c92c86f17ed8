use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(latest = 0, lossy)]
    Level(u8),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
