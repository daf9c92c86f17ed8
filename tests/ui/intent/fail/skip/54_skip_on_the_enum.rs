use control_panel::GraphIntent;

#[derive(GraphIntent)]
#[intent(skip)]
enum Update {
    Moved(f32, f32),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
