use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = 0)]
    Remote(),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
