use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = 0)]
    Remote(Vec<String>),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
