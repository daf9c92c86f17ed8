//! Ctrl-C and SIGTERM in one line. Feature `signals`.
//!
//! The first of them asks for an orderly end: the program looks at [`Stop`], or is woken by it, and shuts down. The
//! second ends the process at once, from the signal handler itself and so whatever threads are stuck, with the status
//! that a shell gives to that signal: 130 or 143.
//!
//! ```
//! use std::time::Duration;
//! use control_panel::{ControlPanel, GraphIntent, signals};
//!
//! #[derive(GraphIntent)]
//! enum Update {}
//!
//! let stop = signals::listen()?;
//! let mut panel = ControlPanel::<Update>::new();
//! while !stop.is_requested() {
//!     panel.drain().for_each(|queued| match queued.intent {});
//!     panel.wait_ready_timeout(Duration::from_millis(100));
//! #   break;
//! }
//! let report = panel.shutdown_blocking(); // a second Ctrl-C ends this too
//! # Ok::<(), std::io::Error>(())
//! ```

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use tokio_util::sync::CancellationToken;

use crate::supervise::panics;

/// Which signal asked for the end.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// As a person would call it: "Ctrl-C" or "SIGTERM".
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "SIGTERM",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Listens from now on, until the process ends: all calls share one set of handlers, and a request is for good.
///
/// Costs a native thread, parked until the first signal. Handlers that others installed are called too. On Windows,
/// which has no SIGTERM, it looks for Ctrl-C twenty times a second.
///
/// # Errors
/// The operating system refuses a handler, a pipe or a thread.
pub fn listen() -> io::Result<Stop> {
    static SHARED: Mutex<Option<Arc<Shared>>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shared) = &*shared {
        return Ok(Stop::new(Arc::clone(shared)));
    }
    let new = Arc::new(Shared::default());
    let wait = install(&new.met, &new.number)?;
    let for_thread = Arc::clone(&new);
    thread::Builder::new().name("control-panel-signals".into()).spawn(move || {
        wait();
        for_thread.tell();
    })?;
    *shared = Some(Arc::clone(&new));
    Ok(Stop::new(new))
}

/// The handlers, in this order: the first signal finds `met` unset and sets it, the second finds it set and ends the
/// process. What it returns waits for the first, and comes last, so that whoever is woken finds the rest.
fn install(met: &Arc<AtomicBool>, number: &Arc<AtomicUsize>) -> io::Result<impl FnOnce() + Send + use<>> {
    #[cfg(unix)]
    let (mut woken, waker) = std::os::unix::net::UnixStream::pair()?;
    for (signal, which, status) in [(SIGINT, INTERRUPT, 130), (SIGTERM, TERMINATE, 143)] {
        flag::register_conditional_shutdown(signal, status, Arc::clone(met))?;
        flag::register_usize(signal, Arc::clone(number), which)?;
        flag::register(signal, Arc::clone(met))?;
        #[cfg(unix)]
        signal_hook::low_level::pipe::register(signal, waker.try_clone()?)?;
    }
    #[cfg(unix)]
    return Ok(move || {
        // The other end is open as long as the handlers are: for ever. An error would be as good as a signal.
        io::Read::read_exact(&mut woken, &mut [0]).ok();
    });
    #[cfg(not(unix))]
    {
        let met = Arc::clone(met);
        Ok(move || {
            while !met.load(Ordering::Acquire) {
                thread::sleep(std::time::Duration::from_millis(50));
            }
        })
    }
}

const INTERRUPT: usize = 1;
const TERMINATE: usize = 2;

type Callback = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Shared {
    /// Written by the handlers.
    met: Arc<AtomicBool>,
    number: Arc<AtomicUsize>,
    token: CancellationToken,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    told: bool,
    next: u64,
    /// One at most for each `Stop`.
    callbacks: BTreeMap<u64, Callback>,
}

impl Shared {
    /// On the signals' own thread, after the first signal.
    fn tell(&self) {
        self.token.cancel();
        let mut waiting = self.waiting();
        waiting.told = true;
        let callbacks = std::mem::take(&mut waiting.callbacks);
        drop(waiting);
        for callback in callbacks.into_values() {
            // Each for itself; the hook has told of a panic.
            panics::catch(callback).ok();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the process was asked to stop: what [`listen`] returns. Clones tell the same.
#[must_use = "nobody stops for a signal that nobody looks at"]
pub struct Stop {
    shared: Arc<Shared>,
    id: u64,
}

impl Stop {
    fn new(shared: Arc<Shared>) -> Self {
        let mut waiting = shared.waiting();
        let id = waiting.next;
        waiting.next += 1;
        drop(waiting);
        Self { shared, id }
    }

    /// Whether a signal came. Costs a load: for a synchronous loop.
    pub fn is_requested(&self) -> bool {
        self.shared.met.load(Ordering::Acquire)
    }

    /// Which signal came, once one did.
    pub fn signal(&self) -> Option<Signal> {
        match self.shared.number.load(Ordering::Acquire) {
            INTERRUPT => Some(Signal::Interrupt),
            TERMINATE => Some(Signal::Terminate),
            _ => None,
        }
    }

    /// Resolves when a signal came. Needs no runtime of any kind.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only looks.
    pub async fn requested(&self) {
        self.shared.token.cancelled().await;
    }

    /// Calls `wake` once, when a signal came, to wake a loop that sleeps; at once if one came before. On a thread of
    /// the signals' own, not in the handler: it may do anything, but should be quick, for others wait.
    ///
    /// For as long as this `Stop` lives: dropping it, or another call, takes the callback back.
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource, signals};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Quit }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// let stop = signals::listen()?;
    /// let sender = panel.sender(IntentSource::LocalUI);
    /// stop.on_request(move || { sender.try_send(Update::Quit).ok(); }); // wakes `wait_ready` and `on_ready`
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on_request(&self, wake: impl FnOnce() + Send + 'static) {
        let mut waiting = self.shared.waiting();
        if waiting.told {
            drop(waiting);
            return wake();
        }
        let before = waiting.callbacks.insert(self.id, Box::new(wake));
        drop(waiting);
        drop(before);
    }
}

impl Clone for Stop {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        let callback = self.shared.waiting().callbacks.remove(&self.id);
        drop(callback);
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").field("signal", &self.signal()).finish_non_exhaustive()
    }
}
