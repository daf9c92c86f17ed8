//! An intent with a lifetime, where no future has to be `Send`.

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update<'a> {
    Line(&'a str),
}

#[worker(source = IntentSource::Restore, kind = local)]
async fn lines(cx: Context<Update<'static>>) {
    cx.send(Update::Line("x")).await.ok();
}

#[worker(source = IntentSource::Restore, kind = thread)]
fn more(cx: Context<Update<'static>>) {
    cx.try_send(Update::Line("x")).ok();
}

fn main() {
    let panel = ControlPanel::<Update<'static>>::new();
    panel.spawn_lines();
    panel.spawn_more();
}
