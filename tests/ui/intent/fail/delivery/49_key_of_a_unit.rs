use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(latest = 0)]
    Refresh,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
