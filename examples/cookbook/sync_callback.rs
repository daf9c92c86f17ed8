//! A synchronous callback inside an async main: blocking calls of the panel there.
//!
//! Toolkits call back synchronously (`on_exit`, a signal handler of the toolkit's) also where `main` is async. On such a
//! thread `shutdown_blocking`, `ended_blocking` and the like panic rather than hold up the runtime: wrap them in
//! `block_in_place`, which hands the thread's other tasks on first. It needs a multi-thread runtime; on a current-thread one,
//! return from the callback and `shutdown().await` in main, or call from a thread of your own.
//!
//! ```console
//! cargo run -p examples --example cookbook_sync_callback
//! ```
//!
//! What to look for: a clean report, printed from a callback on a thread of the runtime.

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, ShutdownReport, worker};
use tokio::{runtime::Builder, task::block_in_place};

#[derive(GraphIntent)]
enum Update {}

#[worker(source = IntentSource::Restore)]
async fn store(cx: Context<Update>) {
    cx.cancelled().await;
}

/// What the toolkit calls, and knows nothing of async.
fn on_exit(panel: &ControlPanel<Update>) -> ShutdownReport {
    block_in_place(|| panel.shutdown_blocking())
}

fn main() {
    // What `#[tokio::main]` makes.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let report = runtime.block_on(async {
        let panel = ControlPanel::<Update>::new(); // on the runtime around it
        panel.spawn_store();
        tokio::spawn(async move { on_exit(&panel) }).await.expect("it does not panic")
    });
    println!("{report}");
    assert!(report.is_clean());
}

#[test]
fn the_callback_may_block() {
    main();
}
