use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(clock = self.1)]
    Remote(u8, u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
