//! Workers by name in tokio-console.
//!
//!     RUSTFLAGS="--cfg tokio_unstable" cargo run --manifest-path examples/tokio_console/Cargo.toml --example tokio_console
//!     tokio-console http://127.0.0.1:6669          (in another terminal)
//!
//! What to look for: each worker is a task of its own name, busy or idle. Only tokio's unstable build keeps the names, and only
//! with that flag is it built. `follow auth.log` fails now and then: it stays one task, since a worker has one for all its runs;
//! which run it is, is a field of the `worker` span. `count` blocks: each of its runs is a task of the pool, of the same name. What
//! begins with `control-panel:` is the panel's own.

use std::{error::Error, net::SocketAddr, thread, time::Duration};

use control_panel::{
    Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, Spawn, WorkerHandle, signals,
    worker,
};

#[derive(GraphIntent)]
enum Update {
    Line,
    Counted,
}

#[derive(Default)]
struct Lines(usize);

impl Reducer for Lines {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        self.0 += usize::from(matches!(queued.intent, Update::Line));
    }
}

/// Fails after each third line.
#[worker(source = IntentSource::Restore, restart = always, backoff = "1ms", intensity = unlimited)]
async fn follow(cx: Context<Update>, every: Duration) -> Result<(), &'static str> {
    for _ in 0..3 {
        tokio::time::sleep(every).await;
        cx.send(Update::Line).await.ok();
    }
    Err("the file was rotated")
}

/// A task of the pool.
#[worker(source = IntentSource::MemoryMonitor, kind = blocking)]
fn count(cx: Context<Update>) {
    while !cx.is_cancelled() {
        thread::sleep(Duration::from_millis(20));
        cx.send_blocking(Update::Counted).ok();
    }
}

/// One whose future stays on the panel's thread for such.
#[worker(source = IntentSource::LocalUI, kind = local)]
async fn draw(cx: Context<Update>) {
    cx.cancelled().await;
}

/// The layer serves each client that attaches, from a thread of its own. It is installed before the panel is made: of a task that is
/// spawned earlier it knows nothing.
fn serve(address: SocketAddr) {
    console_subscriber::ConsoleLayer::builder().server_addr(address).init();
}

fn start(every: Duration) -> (ControlPanel<Update>, [WorkerHandle; 3]) {
    let panel = ControlPanel::<Update>::builder().name("viewer").build();
    let follow = panel.configure(|worker| worker.name("follow auth.log")).spawn_follow(every);
    let workers = [follow, panel.spawn_count(), panel.spawn_draw()];
    (panel, workers)
}

fn main() -> Result<(), Box<dyn Error>> {
    let stop = signals::listen()?;
    let address = SocketAddr::from(([127, 0, 0, 1], 6669));
    serve(address);
    let (mut panel, _) = start(Duration::from_millis(500));
    println!("tokio-console http://{address} shows the workers; Ctrl-C ends them");
    let mut lines = Lines::default();
    while !stop.is_requested() {
        panel.run_frame(&mut lines, &mut (), []);
        panel.wait_ready_timeout(Duration::from_millis(100));
    }
    println!("{} lines; {}", lines.0, panel.shutdown_blocking());
    Ok(())
}

#[cfg(test)]
mod tests;
