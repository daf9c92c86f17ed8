use control_panel::{Context, ControlPanel, GraphIntent, Intent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks<I>(cx: Context<I>)
where
    I: Intent<Source = IntentSource> + From<Update>,
{
    cx.send(Update::Tick.into()).await.ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
