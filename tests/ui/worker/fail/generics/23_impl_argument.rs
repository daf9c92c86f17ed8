use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, beats: impl Iterator<Item = u8>) {
    let _ = (cx, beats);
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(Box::new([3].into_iter()));
}
