use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(form)]
    Tick(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
    let _ = Update::from(7);
}
