use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

struct Name(String);

#[worker(source = IntentSource::Restore)]
async fn ticks(cx: Context<Update>, names: Vec<Nmae>) {
    for Name(name) in names {
        drop(name);
    }
    cx.send(Update::Tick).await.ok();
}

fn main() {
    ControlPanel::<Update>::new().spawn_ticks(vec![]);
}
