use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(clock = clok, origin = from)]
    Remote { clock: u64, from: u64 },
    #[intent(from)]
    Tick,
    #[intent(origin = 0)]
    Local(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
