//! What a source has to be, a tuple, an array and a reference can be too.

use control_panel::{Context, ControlPanel, GraphIntent, worker};

#[derive(GraphIntent)]
#[intent(source = (u8, u8))]
enum Tuple {}

#[derive(GraphIntent)]
#[intent(source = [u8; 2])]
enum Array {}

#[derive(GraphIntent)]
#[intent(source = &'static str)]
enum Text {}

const HOME: (u8, u8) = (1, 2);

#[worker(source = HOME)]
async fn ticks(cx: Context<Tuple>) {
    drop(cx);
}

fn main() {
    ControlPanel::<Tuple>::new().spawn_ticks();
    let _ = (ControlPanel::<Array>::new(), ControlPanel::<Text>::new());
}
