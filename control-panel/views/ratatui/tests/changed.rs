//! How often a loop beside the panel's is to draw.

use std::{pin::pin, time::Duration};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource,
    context::{Raced, race},
    testing,
};
use control_panel_ratatui::{Console, INTERVAL, TICK};
use tokio::time::{Instant, sleep};

#[derive(GraphIntent)]
enum Update {
    Found,
}

/// How long it waits, while the panel's loop runs `frame` sixty times a second.
async fn waits(console: &mut Console, mut frame: impl FnMut()) -> Duration {
    let began = Instant::now();
    let mut changed = pin!(console.changed());
    while let Raced::Second(()) = race(changed.as_mut(), sleep(Duration::from_millis(16))).await {
        frame();
    }
    began.elapsed()
}

#[test]
fn what_happens_is_drawn_ten_times_a_second_and_frames_that_apply_nothing_once() {
    testing::paused(async |panel: &mut ControlPanel<Update>| {
        let sender = panel.sender(IntentSource::LocalUI);
        let mut console = Console::new(panel.observer());
        assert_eq!(waits(&mut console, || ()).await, INTERVAL, "the first look");
        assert_eq!(waits(&mut console, || ()).await, TICK, "nothing happens");
        assert_eq!(waits(&mut console, || drop(panel.drain())).await, TICK, "frames apply nothing");
        for _ in 0..5 {
            let frame = || {
                sender.try_send(Update::Found).expect("room");
                panel.drain().for_each(|queued| assert!(matches!(queued.intent, Update::Found)));
            };
            assert_eq!(waits(&mut console, frame).await, INTERVAL);
        }
        // After a second of frames without any, one is followed at the next look.
        let mut frames = 0;
        let frame = || {
            frames += 1;
            if frames == 30 {
                sender.try_send(Update::Found).expect("room");
            }
            panel.drain().for_each(drop);
        };
        let took = waits(&mut console, frame).await;
        assert!((5 * INTERVAL..=6 * INTERVAL).contains(&took), "{took:?}");
    });
}
