use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks<const N: usize>(cx: Context<Update>, beats: [u8; N]) {
    let _ = (cx, beats);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks([3]);
}
