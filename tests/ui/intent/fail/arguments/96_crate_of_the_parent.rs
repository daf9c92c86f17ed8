pub use control_panel::*;

mod inner {
    use super::GraphIntent;

    #[derive(GraphIntent)]
    #[intent(crate = super)]
    pub enum Update {
        Tick,
    }
}

fn main() {
    let _ = inner::Update::Tick;
}
