//! What looks like a borrow and is none, and types that syn cannot read without its `full`.

use std::collections::HashMap;

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Tick,
}

const N: usize = 2;

macro_rules! number {
    () => {
        u32
    };
}

#[worker(source = IntentSource::Restore)]
async fn ticks(
    cx: Context<Update>,
    name: &'static str,
    pointer: fn(&str) -> usize,
    boxed: Box<dyn Fn(&str, &[u8]) -> bool + Send>,
    higher: Box<dyn for<'a> Fn(&'a str) -> &'a str + Send + 'static>,
    map: HashMap<String, (u8, Vec<(u8, u8)>)>,
    array: [u8; { N + 1 }],
    number: number!(),
) {
    cx.send(Update::Tick).await.ok();
    // What a `Fn` may hold is not `Sync`, so it is used before the next await.
    assert!(boxed(higher(name), &array) && pointer(name) == 4 && map.is_empty() && number == 3);
}

fn main() {
    let panel = ControlPanel::<Update>::new();
    panel.spawn_ticks("tick", str::len, Box::new(|_, _| true), Box::new(|s| s), HashMap::new(), [1, 2, 3], 3);
}
