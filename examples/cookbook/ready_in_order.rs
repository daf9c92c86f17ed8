//! Starting in order: the index begins when the store is open, not when the store's worker has merely begun.
//!
//! The workers of a group start one after the other. One that says within which time it is ready (`ready_within`) is waited for:
//! those after it begin at its `cx.ready()`, and what it has set up by then is there for them. One that never gets ready is an
//! error with a deadline, which ends it and its group: no start hangs in silence.
//!
//! ```console
//! cargo run -p examples --example cookbook_ready_in_order
//! ```
//!
//! What to look for: the index finds two pages, since it begins after the store; of the remote store, which never gets ready,
//! the index never begins.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, Exit, GraphIntent, IntentSource, WorkerStatus, supervision::SpawnError, worker,
};

#[derive(GraphIntent)]
enum Update {
    Indexed(usize),
}

/// What the store's worker opens, and others read.
type Opened = Arc<OnceLock<BTreeMap<u32, &'static str>>>;

#[worker(source = IntentSource::Restore, ready_within = "10s")]
async fn store(cx: Context<Update>, opened: Opened) {
    tokio::time::sleep(Duration::from_millis(50)).await; // reads its files
    opened.set(BTreeMap::from([(1, "one"), (2, "two")])).ok();
    cx.ready();
    cx.cancelled().await;
}

#[worker(source = IntentSource::Restore)]
async fn index(cx: Context<Update>, opened: Opened) {
    let pages = opened.get().expect("it begins once the store is ready").len();
    cx.send(Update::Indexed(pages)).await.ok();
}

/// Is never ready: its server does not answer.
#[worker(source = IntentSource::Restore, ready_within = "20ms")]
async fn remote_store(cx: Context<Update>) {
    cx.cancelled().await;
}

fn main() -> Result<(), SpawnError> {
    let mut panel = ControlPanel::<Update>::new();
    let (local, opened) = (panel.group(), Opened::default());
    local.spawn_store(Arc::clone(&opened));
    local.spawn_index(opened);
    local.start()?;
    let mut indexed = None;
    while indexed.is_none() {
        panel.wait_ready_timeout(Duration::from_millis(100));
        indexed = panel.drain().last().map(|queued| queued.intent);
    }
    let Some(Update::Indexed(pages)) = indexed else { unreachable!() };
    println!("{pages} pages indexed");
    assert_eq!(pages, 2);

    let remote = panel.group();
    let never_ready = remote.spawn_remote_store();
    let never_begun = remote.spawn_index(Opened::default());
    remote.start()?;
    println!(
        "the remote store: {}; its index: {}",
        never_ready.ended_blocking(),
        never_begun.ended_blocking()
    );
    assert!(matches!(never_ready.status(), WorkerStatus::Ended(Exit::NotReady)));
    assert_eq!(never_begun.generation(), 0);
    println!("{}", panel.shutdown_blocking());
    Ok(())
}

#[test]
fn the_index_finds_the_store_open() {
    main().unwrap();
}
