use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(from = String)]
    Title(String),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
    let _ = Update::from(String::new());
}
