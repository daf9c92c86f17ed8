use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(lossy from)]
    Remote(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
