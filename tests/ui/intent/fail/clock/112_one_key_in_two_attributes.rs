use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(clock = 0)]
    #[intent(clock = 1)]
    Remote(u64, u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
