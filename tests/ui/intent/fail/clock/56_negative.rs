use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = -1)]
    Remote(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
