use control_panel::GraphIntent;

#[derive(GraphIntent)]
#[intent(lossy)]
enum Update {
    Tick(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
