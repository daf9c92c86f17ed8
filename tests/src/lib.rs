//! The integration tests are `[[test]]` targets of this package, one file or folder per promise. This is what they
//! share: the plainest intent there can be, runtimes, hand-driven futures, a watchdog, child processes, and a reference
//! model of the queue with random schedules to compare the real one with.

pub mod faults;
pub mod model;
pub mod offenders;
pub mod ops;
pub mod scene;
pub mod schedule;
pub mod words;
pub mod workshop;

use std::{
    cell::Cell,
    future::Future,
    marker::PhantomData,
    panic,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake},
    thread,
    time::{Duration, Instant},
};

use control_panel::{Intent, QueuedIntent, Reducer};
use tokio::runtime::{Builder, Runtime};

/// Longer than any machine is busy, shorter than one waits for a hung test.
const PATIENCE: Duration = Duration::from_secs(60);

#[expect(missing_debug_implementations, reason = "an intent need not have one")]
/// The least an intent can be: neither `Clone` nor `Debug` nor `Sync`. Its source is a plain number.
pub struct Mark {
    /// Which intent it is.
    pub id: u64,
    /// Its logical clock.
    pub clock: Option<u64>,
    _witness: Option<Arc<()>>,
    not_sync: PhantomData<Cell<()>>,
}

impl Mark {
    /// A local intent.
    pub fn new(id: u64) -> Self {
        Self { id, clock: None, _witness: None, not_sync: PhantomData }
    }

    /// A peer's intent.
    pub fn at(clock: u64, id: u64) -> Self {
        Self::with(Some(clock), id)
    }

    /// Either.
    pub fn with(clock: Option<u64>, id: u64) -> Self {
        Self { clock, ..Self::new(id) }
    }

    /// Counts as one more reference of `witness` for as long as it exists.
    #[must_use]
    pub fn seen_by(self, witness: &Arc<()>) -> Self {
        Self { _witness: Some(Arc::clone(witness)), ..self }
    }
}

impl Intent for Mark {
    type Source = u8;

    fn clock(&self) -> Option<u64> {
        self.clock
    }
}

/// A reducer that notes what it was given, and panics on one id.
#[derive(Debug, Default)]
pub struct Notes {
    /// The ids, in the order in which they were applied.
    pub ids: Vec<u64>,
    /// Panics after noting this id.
    pub panic_on: Option<u64>,
}

impl Reducer for Notes {
    type Intent = Mark;

    fn apply(&mut self, queued: QueuedIntent<Mark>) {
        self.ids.push(queued.intent.id);
        if self.panic_on == Some(queued.intent.id) {
            quiet_panic();
        }
    }
}

/// A panic that no hook prints.
pub fn quiet_panic() -> ! {
    panic::resume_unwind(Box::new("on purpose"))
}

/// A current-thread runtime under paused time.
///
/// # Panics
/// If there is none to be had.
#[must_use]
pub fn paused_runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// Runs a test on a [`paused_runtime`].
pub fn paused<T>(test: impl AsyncFnOnce() -> T) -> T {
    drive(&paused_runtime(), test())
}

/// Runs a future on a [`paused_runtime`].
///
/// # Panics
/// If it hangs: under paused time a year is over as soon as all wait for what will never come.
pub fn drive<T>(runtime: &Runtime, future: impl Future<Output = T>) -> T {
    let a_year = Duration::from_secs(365 * 24 * 3600);
    runtime.block_on(async { tokio::time::timeout(a_year, future).await }).expect("the test hangs")
}

/// A multi-thread runtime.
///
/// # Panics
/// If there is none to be had.
#[must_use]
pub fn threads(worker_threads: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(worker_threads).enable_time().build().unwrap()
}

/// Runs a test that could hang on a thread of its own.
///
/// # Panics
/// If the test does, or if it hangs.
pub fn watched<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waiting) = mpsc::channel();
    let thread = thread::spawn(move || {
        let outcome = panic::catch_unwind(panic::AssertUnwindSafe(test));
        done.send(outcome).ok();
    });
    let outcome = waiting.recv_timeout(PATIENCE).expect("the test hangs");
    thread.join().expect("its panic was caught");
    outcome.unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// Waits, on this thread, for what other threads are about to do.
///
/// # Panics
/// If they do not.
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE / 2, "still not: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A waker that counts.
#[derive(Debug, Default)]
pub struct Wakes(AtomicUsize);

impl Wakes {
    /// A new one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often it was woken since it was last asked.
    pub fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }

    /// Polls a future once, to be woken here.
    pub fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        let waker = Arc::clone(self).into();
        future.poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
