use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(latest, clock = 0)]
    Level(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
