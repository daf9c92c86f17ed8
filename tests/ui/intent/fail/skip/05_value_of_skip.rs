use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(skip = 0)]
    Moved(f32, f32),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
