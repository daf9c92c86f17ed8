//! What a panel tells a tracing subscriber and a metrics recorder. Features `tracing` and `metrics` of this package.

mod figures;
mod lines;
mod redone;
mod spans;

use std::{sync::Mutex, time::Duration};

use control_panel::{
    Backoff, Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, Restart, Worker,
    supervision::Intensity, testing,
};

#[derive(GraphIntent)]
enum Update {
    Line,
    #[intent(lossy)]
    Hint,
}

struct Nothing;

impl Reducer for Nothing {
    type Intent = Update;

    fn apply(&mut self, _: QueuedIntent<Update>) {}
}

/// Fails once, from inside its own span.
fn flaky() -> Worker<Update> {
    Worker::new("flaky", IntentSource::Restore, |cx: Context<Update>| async move {
        tracing::info!("at work");
        cx.send(Update::Line).await.ok();
        if cx.generation() == 1 {
            return Err("the disk is gone");
        }
        std::future::pending::<Result<(), &str>>().await
    })
    .restart(Restart::OnFailure)
    .intensity(Intensity::new(3, Duration::from_secs(1)))
    .backoff(Backoff::none())
}

/// One at a time: where no subscriber listens, a place that logs for the first time is remembered as silent, until the next
/// subscriber comes.
static TURN: Mutex<()> = Mutex::new(());

async fn a_bad_day(panel: &mut ControlPanel<Update>) {
    panel.spawn(flaky());
    testing::settle().await;
    panel.run_frame(&mut Nothing, &mut (), [(IntentSource::LocalUI, Update::Line)]);
    let hints = panel.sender(IntentSource::PrefetchScheduler);
    for _ in 0..300 {
        hints.try_send(Update::Hint).ok();
    }
    panel.run_frame(&mut Nothing, &mut (), []);
    panel.worker("flaky").unwrap().restart().unwrap();
    testing::settle().await;
    panel.worker("flaky").unwrap().stop();
    testing::settle().await;
}
