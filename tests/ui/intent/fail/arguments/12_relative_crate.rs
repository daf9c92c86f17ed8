use control_panel::GraphIntent;

#[derive(GraphIntent)]
#[intent(crate = control_panel)]
enum Update {
    Tick,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
