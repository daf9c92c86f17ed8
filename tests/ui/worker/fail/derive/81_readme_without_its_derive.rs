use control_panel::{Context, ControlPanel, IntentSource, QueuedIntent, Reducer, worker};
enum Update { Line(String) }
#[worker(source = IntentSource::Restore)]
async fn lines(cx: Context<Update>, text: &'static str) {
    for line in text.lines() { cx.send(Update::Line(line.to_owned())).await.ok(); }
}
#[derive(Default)]
struct Document(Vec<String>);
impl Reducer for Document {
    type Intent = Update;
    fn apply(&mut self, queued: QueuedIntent<Update>) { let Update::Line(line) = queued.intent; self.0.push(line); }
}
fn main() {
    let mut panel = ControlPanel::<Update>::new();
    let worker = panel.spawn_lines("one");
    let mut document = Document::default();
    while !worker.status().is_final() || panel.queued() > 0 { panel.run_frame(&mut document, &mut (), []); }
}
