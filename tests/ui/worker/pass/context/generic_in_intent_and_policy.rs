//! A library's worker: it serves any intent that it can make, under any policy that tells it what it needs.

use control_panel::{Context, ControlPanel, GraphIntent, Intent, IntentSource, Spawn, worker};

pub trait Beats {
    fn beats(&self) -> u32;
}

pub struct Beat;

#[worker(source = IntentSource::MemoryMonitor)]
pub async fn heart<I: Intent<Source = IntentSource> + From<Beat>, P: Beats + Send + Sync + 'static>(
    cx: Context<I, P>,
    extra: u32,
) {
    let beats = cx.policy().borrow_and_update().beats() + extra;
    for _ in 0..beats {
        cx.send(Beat.into()).await.ok();
    }
}

#[worker(source = IntentSource::MemoryMonitor, restart = always)]
pub async fn without_policy<I: Intent<Source = IntentSource>>(cx: Context<I>) {
    cx.cancelled().await;
}

#[derive(GraphIntent)]
enum Update {
    Beat,
}

impl From<Beat> for Update {
    fn from(_: Beat) -> Self {
        Self::Beat
    }
}

#[derive(Default)]
struct Twice;

impl Beats for Twice {
    fn beats(&self) -> u32 {
        2
    }
}

fn spawn_through_the_trait(host: &impl Spawn<Intent = Update, Policy = Twice>) {
    host.spawn_heart(1);
}

fn main() {
    let panel = ControlPanel::<Update, Twice>::new();
    panel.spawn_heart(0);
    spawn_through_the_trait(&panel.spawner());
    ControlPanel::<Update>::new().spawn_without_policy();
}
