use control_panel::*;

enum Update {
    #[intent(lossy)]
    Tick,
}

fn main() {
    fn is_intent<I: Intent>() {}
    let _ = Update::Tick;
}
