//! Saving at exit: a worker that is asked to stop hands over more than the queue holds.
//!
//! A plain shutdown does not drain while it waits, so a full queue hands intents back. `shutdown_draining` goes on with the
//! frames until every worker has ended. The worker is cooperative, so that it is asked and not dropped, and sends what it has
//! left by `cx.sender()`, which waits for a slot also then; a loop of `cx.send` ends when the worker is asked to stop, which is
//! what the loop below relies on. A deadline holds for all of it: the panel's `shutdown_timeout`.
//!
//! ```console
//! cargo run -p examples --example cookbook_flush_at_exit
//! ```
//!
//! What to look for: all 10,000 samples are saved through a queue of 64, after the shutdown began.

use control_panel::{
    Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, SendError, worker,
};

#[derive(GraphIntent)]
enum Update {
    Save(u32),
}

/// Records faster than the queue takes, and keeps what it could not send.
#[worker(source = IntentSource::Restore, cancel = cooperative)]
async fn recorder(cx: Context<Update>) -> Result<(), SendError<Update>> {
    let mut left = Vec::new();
    for sample in 0..10_000 {
        match cx.try_send(Update::Save(sample)) {
            Ok(()) => {}
            Err(refused) => left.push(refused.into_intent()),
        }
    }
    cx.cancelled().await;
    let flush = cx.sender();
    for sample in left {
        flush.send(sample).await?;
    }
    Ok(())
}

#[derive(Default)]
struct File {
    samples: Vec<u32>,
}

impl Reducer for File {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Save(sample) = queued.intent;
        self.samples.push(sample);
    }
}

fn main() {
    let mut panel = ControlPanel::<Update>::builder().capacity(64).build();
    panel.spawn_recorder();
    // The program runs; here it ends as soon as the recorder fills the queue.
    panel.wait_ready_timeout(std::time::Duration::MAX);
    let (mut file, mut frames) = (File::default(), 0);
    let report = panel.shutdown_draining_blocking(|panel| {
        frames += 1;
        panel.run_frame(&mut file, &mut (), []);
    });
    println!("{} samples saved in {frames} frames: {report}", file.samples.len());
    assert!(report.is_clean());
    file.samples.sort_unstable();
    assert!(file.samples.iter().copied().eq(0..10_000), "each of them, once");
}

#[test]
fn everything_is_saved() {
    main();
}
