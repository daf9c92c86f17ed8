use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(from)]
    Title(String),
    #[intent(from)]
    Text { text: String },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
