use control_panel::GraphIntent;

#[derive(GraphIntent)]
#[intent(colour = blue)]
enum Update {
    Tick,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
