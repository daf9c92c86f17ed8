use control_panel::GraphIntent;

#[derive(GraphIntent)]
enum Update {
    #[intent(clock = Remote::at)]
    Remote { at: u64 },
}

fn main() {
    let _ = Update::Remote { at: 1 };
}
