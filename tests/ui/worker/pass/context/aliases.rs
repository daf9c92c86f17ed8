use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Spawner, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[derive(Default)]
struct Policy;

type Cx = Context<Update, Policy>;
type CxWith<P> = Context<Update, P>;

mod shadowed {
    /// An alias that bears the name of what it stands for, with other parameters.
    pub type Context<P> = control_panel::Context<super::Update, P>;
}

#[worker(source = IntentSource::Restore)]
async fn alias(cx: Cx) {
    cx.send(Update::Tick).await.ok();
}

#[worker(source = IntentSource::Restore)]
async fn generic_alias(cx: CxWith<Policy>) {
    cx.send(Update::Tick).await.ok();
}

#[worker(source = IntentSource::Restore)]
async fn shadowing_alias(cx: shadowed::Context<Policy>) {
    cx.send(Update::Tick).await.ok();
}

#[worker(source = IntentSource::Restore)]
async fn full_path(cx: control_panel::Context<Update, Policy>) {
    cx.send(Update::Tick).await.ok();
}

fn spawn(spawner: &Spawner<Update, Policy>) {
    spawner.spawn_alias();
    spawner.spawn_full_path();
}

fn main() {
    let panel = ControlPanel::<Update, Policy>::new();
    panel.spawn_generic_alias();
    panel.spawn_shadowing_alias();
    spawn(&panel.spawner());
}
