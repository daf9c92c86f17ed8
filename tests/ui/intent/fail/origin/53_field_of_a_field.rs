use control_panel::GraphIntent;

struct Peer {
    id: u64,
}

#[derive(GraphIntent)]
enum Update {
    #[intent(clock = 0, origin = 1.id)]
    Remote(u64, Peer),
}

fn main() {
    control_panel::ControlPanel::<Update>::new();
    let _ = Peer { id: 1 }.id;
}
