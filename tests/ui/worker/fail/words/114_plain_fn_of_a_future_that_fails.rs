use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
fn ticks(cx: Context<Update>) -> impl Future<Output = Result<(), String>> + Send {
    async move {
        cx.send(Update::Tick).await.map_err(|error| error.to_string())
    }
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
