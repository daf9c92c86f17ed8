//! Progress by `latest`: however often it is sent, a frame has one of it, the newest.
//!
//! A worker that reports every kilobyte neither fills the queue nor waits for it, and the bar is never behind. What must not
//! be replaced (`Done`) stays an ordinary intent, and comes after the last progress that was sent before it.
//!
//! ```console
//! cargo run -p examples --example cookbook_latest_progress
//! ```
//!
//! What to look for: many more steps are sent than are drawn, and the last one is drawn.

use std::time::Duration;

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, worker};

#[derive(GraphIntent)]
enum Update {
    #[intent(latest)]
    Progress(u32),
    Done,
}

const STEPS: u32 = 10_000;

#[worker(source = IntentSource::Restore)]
async fn download(cx: Context<Update>) {
    for step in 1..=STEPS {
        if cx.send(Update::Progress(step)).await.is_err() {
            return;
        }
    }
    cx.send(Update::Done).await.ok();
}

#[derive(Default)]
struct Bar {
    steps: u32,
    drawn: u32,
    done: bool,
}

impl Reducer for Bar {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Progress(steps) => {
                assert!(steps > self.steps && !self.done, "never backwards, never after the end");
                (self.steps, self.drawn) = (steps, self.drawn + 1);
            }
            Update::Done => self.done = true,
        }
    }
}

fn main() {
    let mut panel = ControlPanel::<Update>::builder().capacity(8).build();
    panel.spawn_download();
    let (mut bar, mut frames) = (Bar::default(), 0);
    while !bar.done {
        panel.wait_ready_timeout(Duration::from_secs(1));
        let report = panel.run_frame(&mut bar, &mut (), []);
        frames += 1;
        assert!(report.applied <= 2, "one progress a frame, and the end");
    }
    println!("{STEPS} steps sent, {} drawn in {frames} frames", bar.drawn);
    assert_eq!(bar.steps, STEPS, "the newest is never lost");
    assert!(panel.shutdown_blocking().is_clean());
}

#[test]
fn the_bar_ends_full() {
    main();
}
