use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = 2)]
    Remote(u64, String),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
