use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Moved { #[intent(skip)] x: f32 },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
