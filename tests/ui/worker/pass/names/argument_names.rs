//! No argument can meet a name that is generated, whatever it is called.

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Sum(u64),
}

type Cx = Context<Update>;

#[worker(source = IntentSource::Restore)]
async fn sum(cx: Cx, panel: u64, cx2: u64, self_: u64, __cp: u64, r#type: u64, run: u64, source: u64) {
    cx.send(Update::Sum(panel + cx2 + self_ + __cp + r#type + run + source)).await.ok();
}

/// The context may have any name, and another argument may have the one it usually has.
#[worker(source = IntentSource::Restore)]
async fn renamed(context: Cx, cx: u64, argument_1: u64) {
    context.send(Update::Sum(cx + argument_1)).await.ok();
}

/// An argument may be called as the worker is.
#[worker(source = IntentSource::Restore, restart = on_failure)]
async fn shadow(cx: Cx, shadow: u64, spawn_shadow: u64, mut add: u64) {
    add += shadow + spawn_shadow;
    cx.send(Update::Sum(add)).await.ok();
}

#[worker(source = IntentSource::Restore)]
async fn nameless(_: Cx, _: u64, cx: u64, _: u64) {
    drop(cx);
}

#[worker(source = IntentSource::Restore)]
async fn __cp(cx: Cx, spawn: u64) {
    cx.send(Update::Sum(spawn)).await.ok();
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_sum(1, 2, 3, 4, 5, 6, 7);
    panel.spawn_renamed(1, 2);
    panel.spawn_shadow(1, 2, 3);
    panel.spawn_nameless(1, 2, 3);
    panel.spawn_cp(1);
}
