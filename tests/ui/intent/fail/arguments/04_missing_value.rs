use control_panel::GraphIntent;

#[derive(GraphIntent)]
#[intent(source)]
enum Update {
    Tick,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
