use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn r#type(r#in: Context<Update>, r#for: u32) {
    let _ = r#for;
    r#in.send(Update::Tick).await.ok();
}

#[worker(source = IntentSource::Restore, name = r#match)]
async fn other(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    assert_eq!(panel.spawn_type(3).name(), "type");
    assert_eq!(panel.spawn_match().name(), "match");
}
