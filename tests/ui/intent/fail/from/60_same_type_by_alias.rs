use control_panel::GraphIntent;

type Text = String;

#[derive(GraphIntent)]
enum Update {
    #[intent(from)]
    Title(String),
    #[intent(from)]
    Text(Text),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
