//! Debounce: search once the user has stopped typing, by a task with a key.
//!
//! Each key stroke spawns the search under the same key, which stops the one before, and the search begins with a sleep. So
//! only the one that no stroke follows gets to work. No timer has to be kept or reset, and a search that already runs is
//! stopped by the next stroke too. A panel's clock is tokio's: the test below runs under paused time, and waits for nothing.
//!
//! ```console
//! cargo run -p examples --example cookbook_debounce
//! ```
//!
//! What to look for: four strokes, and one search, for `pane`; the searches that were stopped are no failures.

use std::{thread, time::Duration};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, supervision::Tasks, worker};

#[derive(GraphIntent)]
enum Update {
    Found { text: String, hits: usize },
}

const WORDS: [&str; 4] = ["panel", "panic", "paper", "queue"];

/// How long the keyboard must be quiet.
const QUIET: Duration = Duration::from_millis(300);

#[worker(source = IntentSource::LocalUI)]
async fn search(cx: Context<Update>, text: String) {
    // The next stroke stops it here. Not "this long after the first stroke": each one begins the wait anew.
    tokio::time::sleep(QUIET).await;
    let hits = WORDS.iter().filter(|word| word.starts_with(&text)).count();
    cx.send(Update::Found { text, hits }).await.ok();
}

/// What the loop calls at every key stroke.
fn typed(searches: &Tasks<Update, (), &'static str>, text: &str) {
    searches.keyed("search box").spawn_search(text.to_owned());
}

fn found(panel: &mut ControlPanel<Update>) -> Vec<String> {
    panel
        .drain()
        .map(|queued| {
            let Update::Found { text, hits } = queued.intent;
            format!("{text}: {hits}")
        })
        .collect()
}

fn main() {
    let mut panel = ControlPanel::<Update>::new();
    let searches = panel.keyed_tasks();
    for text in ["p", "pa", "pan", "pane"] {
        typed(&searches, text);
        thread::sleep(Duration::from_millis(50));
    }
    while panel.queued() == 0 || !searches.is_empty() {
        panel.wait_ready_timeout(Duration::from_millis(100));
    }
    println!("{:?}", found(&mut panel));
    assert!(panel.shutdown_blocking().is_clean(), "a search that the next one stops is no failure");
}

#[test]
fn only_what_no_stroke_follows_is_searched() {
    use control_panel::testing;

    testing::paused(async |panel: &mut ControlPanel<Update>| {
        let searches = panel.keyed_tasks();
        for text in ["p", "pa", "pan"] {
            typed(&searches, text);
            testing::advance(Duration::from_millis(299)).await;
        }
        assert!(found(panel).is_empty(), "each stroke began the wait anew");
        testing::advance(Duration::from_millis(2)).await;
        assert_eq!(found(panel), ["pan: 2"]);

        typed(&searches, "q");
        testing::advance(2 * QUIET).await;
        assert_eq!(found(panel), ["q: 1"]);
        assert!(panel.shutdown().await.is_clean());
    });
}

#[test]
fn the_program_finds_what_was_typed_last() {
    main();
}
