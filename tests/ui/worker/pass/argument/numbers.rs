//! With no argument, with as many as are handed over as they are, and with more: each arrives, in its place.

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, worker};

#[derive(GraphIntent)]
enum Update {
    Text(String),
}

async fn send(cx: Context<Update>, arguments: &[u8]) {
    cx.send(Update::Text(format!("{arguments:?}"))).await.ok();
}

#[worker(source = IntentSource::Restore)]
async fn none(cx: Context<Update>) {
    send(cx, &[]).await;
}

#[worker(source = IntentSource::Restore)]
async fn one(cx: Context<Update>, a: u8) {
    send(cx, &[a]).await;
}

#[worker(source = IntentSource::Restore)]
async fn two(cx: Context<Update>, a: u8, b: u8) {
    send(cx, &[a, b]).await;
}

#[worker(source = IntentSource::Restore)]
async fn three(cx: Context<Update>, a: u8, b: u8, c: u8) {
    send(cx, &[a, b, c]).await;
}

#[worker(source = IntentSource::Restore)]
async fn four(cx: Context<Update>, a: u8, b: u8, c: u8, d: u8) {
    send(cx, &[a, b, c, d]).await;
}

#[worker(source = IntentSource::Restore)]
async fn five(cx: Context<Update>, a: u8, b: u8, c: u8, d: u8, e: u8) {
    send(cx, &[a, b, c, d, e]).await;
}

#[derive(Default)]
struct Texts(Vec<String>);

impl Reducer for Texts {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Text(text) = queued.intent;
        self.0.push(text);
    }
}

fn main() {
    let mut panel = ControlPanel::<Update>::new();
    let workers = [
        panel.spawn_none(),
        panel.spawn_one(1),
        panel.spawn_two(1, 2),
        panel.spawn_three(1, 2, 3),
        panel.spawn_four(1, 2, 3, 4),
        panel.spawn_five(1, 2, 3, 4, 5),
    ];
    let mut texts = Texts::default();
    while texts.0.len() < workers.len() {
        panel.run_frame(&mut texts, &mut (), []);
        std::thread::yield_now();
    }
    texts.0.sort_unstable();
    assert_eq!(texts.0, ["[1, 2, 3, 4, 5]", "[1, 2, 3, 4]", "[1, 2, 3]", "[1, 2]", "[1]", "[]"]);
}
