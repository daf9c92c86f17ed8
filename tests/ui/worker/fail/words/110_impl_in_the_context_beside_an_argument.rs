use control_panel::{Context, ControlPanel, GraphIntent, Intent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<impl Intent<Source = IntentSource>>, beats: u8) {
    let _ = beats;
    cx.cancelled().await;
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(1);
    let _ = Update::Tick;
}
