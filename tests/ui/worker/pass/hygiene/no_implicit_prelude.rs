#![no_implicit_prelude]

use ::control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
    #[intent(clock = 0)]
    Remote(u64),
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
    cx.send(Update::Remote(3)).await.ok();
}

#[worker(source = IntentSource::Restore, restart = on_failure, intensity = 3, backoff = "1ms", inbox = u8)]
async fn restarted(cx: Context<Update>, times: u32) -> ::std::result::Result<(), ::std::string::String> {
    let _ = (cx, times);
    ::std::result::Result::Ok(())
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_ticks();
    // It may have ended by now.
    let _ = panel.spawn_restarted(3).send(4);
}
