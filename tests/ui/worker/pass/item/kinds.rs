use std::rc::Rc;

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

struct NotClone;

#[worker(source = IntentSource::Restore, kind = async)]
async fn usual(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

#[worker(source = IntentSource::Restore, kind = local, restart = on_failure, cancel = cooperative, grace = "1s")]
async fn not_send(cx: Context<Update>, text: String) -> Result<(), String> {
    let text = Rc::new(text);
    cx.cancelled().await;
    Err(text.to_string())
}

#[worker(source = IntentSource::Restore, kind = local)]
async fn not_send_once(cx: Context<Update>, not_clone: NotClone) {
    let kept = Rc::new(not_clone);
    cx.send(Update::Tick).await.ok();
    drop(kept);
}

/// Reads.
#[worker(source = IntentSource::Restore, kind = blocking, heartbeat = "10s", on_stuck = restart, restart = always)]
pub fn read(cx: Context<Update>, text: String) -> Result<(), std::io::Error> {
    cx.heartbeat();
    cx.send_blocking(Update::Tick).ok();
    drop(text);
    Ok(())
}

#[worker(source = IntentSource::Restore, kind = blocking)]
fn read_once(cx: Context<Update>, not_clone: NotClone) {
    let _ = (cx, not_clone);
}

#[worker(source = IntentSource::Restore, kind = thread, after = ["read", "not_send"], escalate = panel,
         restart = on_failure, significant)]
fn render(cx: Context<Update>) -> Result<(), String> {
    cx.try_send(Update::Tick).map_err(|_| "full".to_owned())
}

#[worker(source = IntentSource::Restore, kind = thread, after = "render", on_stuck = warn, heartbeat = "1s")]
fn render_once(cx: Context<Update>, not_clone: NotClone) {
    let _ = (cx, not_clone);
}

#[worker(source = IntentSource::Restore, stuck_after = "50ms", on_stuck = escalate, escalate = never)]
async fn watched(_cx: Context<Update>) {}

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_usual();
    panel.spawn_not_send("text".into());
    panel.spawn_not_send_once(NotClone);
    panel.spawn_read("text".into());
    panel.spawn_read_once(NotClone);
    panel.spawn_render();
    panel.spawn_render_once(NotClone);
    panel.spawn_watched();
}
