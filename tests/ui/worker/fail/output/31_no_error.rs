use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

struct NoError;

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>) -> Result<(), NoError> {
    drop(cx);
    let _ = NoError;
    unreachable!()
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks();
}
