use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(clock = 0, skip)]
    Merged(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
