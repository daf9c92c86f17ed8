use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {}

#[worker(source = IntentSource::Restore)]
async fn search(cx: Context<Update>) {
    let mut inbox = cx.inbox::<String>();
    while inbox.recv().await.is_some() {}
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    let search = panel.spawn_search();
    search.send(String::from("needle")).ok();
}
