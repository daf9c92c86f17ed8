use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent = 0]
    Remote(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
