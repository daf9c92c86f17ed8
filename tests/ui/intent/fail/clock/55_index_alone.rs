use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(0)]
    Remote(u64),
}

fn main() {
    let _ = Update::Remote(1);
}
