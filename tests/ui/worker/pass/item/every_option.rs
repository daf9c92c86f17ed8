use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

const RESTORE: IntentSource = IntentSource::Restore;

#[worker(
    source = RESTORE,
    name = headlines,
    restart = on_failure,
    intensity = 3,
    period = "1m",
    backoff = "250us",
    max_backoff = "1 h",
    cancel = cooperative,
    grace = "1500ms",
    suspend = on_idle,
    inbox = Vec<u8>,
    inbox_capacity = 64,
    ready_within = "5s",
    crate = ::control_panel,
)]
async fn rss(cx: Context<Update>, titles: Vec<String>) -> Result<(), std::io::Error> {
    for _ in titles {
        cx.send(Update::Tick).await.ok();
    }
    Ok(())
}

#[worker(source = IntentSource::Restore, restart = never, cancel = drop, suspend = never)]
async fn defaults(cx: Context<Update>, not_clone: std::sync::Mutex<u8>) {
    let _ = (cx, not_clone);
}

#[worker(source = IntentSource::Restore, restart = always, backoff = "0ms", intensity = unlimited)]
async fn forever(cx: Context<Update>) -> Result<std::convert::Infallible, String> {
    cx.cancelled().await;
    Err("over".into())
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_headlines(vec![]);
    panel.spawn_defaults(std::sync::Mutex::new(1));
    panel.spawn_forever();
}
