use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update<'a> {
    Line(&'a str),
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update<'_>>) {
    cx.send(Update::Line("x")).await.ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
