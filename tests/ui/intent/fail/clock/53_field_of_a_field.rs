use control_panel::GraphIntent;

struct Stamp {
    lamport: u64,
}

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = stamp.lamport)]
    Remote { stamp: Stamp },
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
    let _ = Stamp { lamport: 1 }.lamport;
}
