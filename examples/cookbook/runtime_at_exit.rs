//! A program that ends although a call blocks: what happens at exit to a runtime of one's own.
//!
//! A panel ends by its deadline whatever blocks, and names what did not stop. But a runtime that is not the panel's (yours, or
//! the one of `#[tokio::main]`) waits in its drop for every call on its blocking pool, so a program that has printed its
//! report can still hang. Either let the panel bring its own runtime, which it leaves without waiting; or end yours by
//! `shutdown_background()` (or `shutdown_timeout(…)`) as here; or give what may block forever a thread (`kind = thread`),
//! which no runtime waits for.
//!
//! ```console
//! cargo run -p examples --example cookbook_runtime_at_exit
//! ```
//!
//! What to look for: the report names `reader`, which blocks without end, and the program ends all the same.

use std::{
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Worker};
use tokio::runtime::Builder;

#[derive(GraphIntent)]
enum Update {}

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let timeout = Duration::from_millis(300);
    let panel =
        ControlPanel::<Update>::builder().runtime(runtime.handle().clone()).shutdown_timeout(timeout).build();

    // As a read of a pipe into which no one writes: it does not look at the panel, and ends when its other end does.
    let (open, pipe) = channel::<()>();
    let (reads, begins) = channel();
    let mut pipe: Option<Receiver<()>> = Some(pipe);
    panel.spawn(Worker::blocking("reader", IntentSource::Restore, move |_: Context<Update>| {
        reads.send(()).ok();
        pipe.take().map(|pipe| pipe.recv());
    }));
    // One that is asked to stop before its function begins does not begin it.
    begins.recv().expect("it reads");

    let report = panel.shutdown_blocking();
    println!("{report}");
    let abandoned: Vec<_> = report.abandoned().map(|worker| worker.name.as_str()).collect();
    assert_eq!(abandoned, ["reader"], "named, and not waited for any longer");

    // Without this line the program hangs here, in the drop of the runtime.
    runtime.shutdown_background();
    drop(open);
}

#[test]
fn it_ends() {
    main();
}
