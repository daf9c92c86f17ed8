use control_panel::GraphIntent;

#[derive(GraphIntent)]
struct Update {
    title: String,
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
