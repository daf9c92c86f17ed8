use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(skipp)]
    Moved(f32, f32),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
