use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(from)]
    Article { title: String, text: String },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
