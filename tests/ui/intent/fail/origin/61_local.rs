use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(origin = 0)]
    Remote(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
