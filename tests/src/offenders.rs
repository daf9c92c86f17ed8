//! Workers that stop as they should, and workers that do not.

use std::{
    future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{
    Context, Worker,
    supervision::{Cancel, Cause},
};

use crate::Mark;

/// Stops at its next await.
pub fn good(name: &'static str) -> Worker<Mark> {
    Worker::new(name, 0, |_| future::pending::<()>())
}

/// Stops when it is asked to.
pub fn polite(name: &'static str) -> Worker<Mark> {
    Worker::new(name, 0, async |cx: Context<Mark>| cx.cancelled().await).cancel(Cancel::Cooperative)
}

/// Never stops by itself, but can be dropped.
pub fn deaf(name: &'static str) -> Worker<Mark> {
    good(name).cancel(Cancel::Cooperative)
}

/// Blocks a thread of the runtime until it is let go.
#[derive(Debug, Clone, Default)]
pub struct Busy {
    go: Arc<AtomicBool>,
    /// How many block.
    pub blocking: Arc<AtomicUsize>,
    /// How many were asked to stop when they were let go.
    pub asked: Arc<AtomicUsize>,
    /// How many ended.
    pub ended: Arc<AtomicUsize>,
}

impl Busy {
    /// One that blocks.
    pub fn worker(&self, name: &'static str) -> Worker<Mark> {
        let busy = self.clone();
        Worker::new(name, 1, move |cx: Context<Mark>| {
            let busy = busy.clone();
            async move {
                let _ended = OnDrop(Arc::clone(&busy.ended));
                busy.blocking.fetch_add(1, Ordering::SeqCst);
                while !busy.go.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
                busy.asked.fetch_add(usize::from(cx.is_cancelled()), Ordering::SeqCst);
                future::pending::<()>().await;
            }
        })
    }

    /// Lets all of them go.
    pub fn let_go(&self) {
        self.go.store(true, Ordering::SeqCst);
    }

    /// Lets go also when the test fails: a runtime waits for its threads when it is dropped.
    #[must_use]
    pub fn guard(&self) -> LetGo {
        LetGo(self.clone())
    }
}

/// Lets them go when it is dropped.
#[derive(Debug)]
pub struct LetGo(Busy);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

/// Block until they are asked to stop, and note the cause.
#[derive(Debug, Clone, Default)]
pub struct Patient {
    /// How many began.
    pub begun: Arc<AtomicUsize>,
    /// Why each that ended was asked to stop.
    pub causes: Arc<Mutex<Vec<Option<Cause>>>>,
}

impl Patient {
    /// One of each kind that cannot be dropped.
    ///
    /// # Panics
    /// If a lock is poisoned.
    pub fn workers(&self) -> [Worker<Mark>; 2] {
        let own = self.clone();
        let waits = move |cx: Context<Mark>| {
            own.begun.fetch_add(1, Ordering::SeqCst);
            while !cx.cancelled_timeout(Duration::from_secs(3600)) {}
            own.causes.lock().unwrap().push(cx.cause());
        };
        [Worker::blocking("blocking", 0, waits.clone()), Worker::thread("thread", 0, waits)]
    }
}

/// Counts when it is dropped.
#[derive(Debug)]
pub struct OnDrop(pub Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
