use control_panel::GraphIntent;

#[derive(GraphIntent)]
#[intent(colour = blue)]
enum Update {
    #[intent(clock = clok)]
    Named { clock: u64 },
    #[intent(clock = 3)]
    Tuple(u64),
    #[intent(clock = -1)]
    Negative(u64),
    #[intent(clock = 0)]
    Right(u64),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
}
