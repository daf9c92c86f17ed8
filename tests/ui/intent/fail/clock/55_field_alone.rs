use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(at)]
    Remote { at: u64 },
}

fn main() {
    let _ = Update::Remote { at: 1 };
}
