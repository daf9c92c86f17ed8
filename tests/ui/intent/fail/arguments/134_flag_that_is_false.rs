use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(lossy = false)]
    Level(u8),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
