//! New settings to every instance of a worker: a typed command, broadcast by the worker's name.
//!
//! The inbox's type is part of the worker (`inbox = Settings`), so a command of another type does not compile. `broadcast_command`
//! never waits; what an inbox does not take comes back with its worker, so no instance keeps old settings unseen. For news that
//! any worker may listen to, of whatever name, there is a signal bus; for a state of which only the newest matters, the policy.
//!
//! ```console
//! cargo run -p examples --example cookbook_broadcast_config
//! ```
//!
//! What to look for: all three workers report `error`, the filter of the one command, and a fourth of another name is sent its
//! own.

use std::{collections::BTreeSet, time::Duration};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Follows { path: &'static str, filter: &'static str },
}

#[derive(Clone)]
struct Settings {
    filter: &'static str,
}

#[worker(source = IntentSource::Restore, inbox = Settings)]
async fn follow(cx: Context<Update>, path: &'static str) {
    let mut inbox = cx.inbox::<Settings>();
    while let Some(Settings { filter }) = inbox.recv().await {
        if cx.send(Update::Follows { path, filter }).await.is_err() {
            return;
        }
    }
}

fn main() {
    let mut panel = ControlPanel::<Update>::new();
    let paths = ["auth.log", "kern.log", "mail.log"];
    for path in paths {
        panel.spawn_follow(path);
    }
    let sent = panel.broadcast_command("follow", Settings { filter: "error" });
    for (worker, refused) in &sent.refused {
        println!("{} ({}) keeps its settings: {refused}", worker.name(), worker.origin());
    }
    assert!(sent.is_complete() && sent.accepted.len() == paths.len());

    let mut follows = BTreeSet::new();
    while follows.len() < paths.len() {
        panel.wait_ready_timeout(Duration::from_millis(100));
        follows.extend(panel.drain().map(|queued| {
            let Update::Follows { path, filter } = queued.intent;
            (path, filter)
        }));
    }
    println!("{follows:?}");
    assert!(follows.into_iter().eq(paths.map(|path| (path, "error"))));

    // One of them, by its handle, in the same way.
    let kern = panel.spawn_follow("kern.log.1");
    kern.send(Settings { filter: "oom" }).expect("its inbox is empty");
    assert!(panel.shutdown_blocking().is_clean());
}

#[test]
fn each_instance_gets_them() {
    main();
}
