//! The smallest complete program: one worker, a reducer, a loop, a shutdown.
//!
//!     cargo run -p examples --example hello
//!
//! What to look for: the worker is async, the state is not; the loop drains one ordered frame at a time.

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, worker};

#[derive(GraphIntent)]
enum Update {
    Greet(String),
}
struct Greeter(Vec<String>);

impl Reducer for Greeter {
    type Intent = Update;
    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Greet(name) = queued.intent;
        self.0.push(format!("Hello, {name}!"));
    }
}

#[worker(source = IntentSource::Restore)]
async fn names(cx: Context<Update>, names: Vec<&'static str>) {
    for name in names {
        cx.send(Update::Greet(name.into())).await.ok();
    }
}

fn main() {
    let mut panel = ControlPanel::<Update>::new();
    panel.spawn_names(vec!["worker", "queue", "frame"]);
    let mut greeter = Greeter(Vec::new());
    while greeter.0.len() < 3 {
        panel.run_frame(&mut greeter, &mut (), []);
        std::thread::sleep(std::time::Duration::from_millis(16));
    }
    println!("{}\n{}", greeter.0.join("\n"), panel.shutdown_blocking());
}
