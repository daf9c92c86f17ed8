use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(from, clock = 0, from)]
    Tick(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
