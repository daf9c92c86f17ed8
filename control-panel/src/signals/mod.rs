//! Ctrl-C and SIGTERM in one line. Feature `signals`.
//!
//! The first signal requests an orderly shutdown: the program checks [`Stop`], or is woken by it, and shuts down. Signals that
//! arrive within half a second of it belong to the same request: a terminal signals the whole process group, and a wrapper in
//! it (npm, a shell script, a container supervisor) forwards its own, so that one press of Ctrl-C arrives twice. The first
//! signal after that ends the process immediately, from the signal handler itself and so even if threads are stuck, with the
//! status that a shell reports for that signal: 130 or 143. [`listen_with`] changes both.
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
//! let waker = panel.waker();
//! stop.on_request(move || waker.wake()); // the loop may sleep
//! while !stop.is_requested() {
//!     panel.drain().for_each(|queued| match queued.intent {});
//! #   break;
//!     panel.wait_ready_timeout(Duration::MAX);
//! }
//! let report = panel.shutdown_blocking(); // a second Ctrl-C ends this too
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! These are the operating system's signals. For signals that parts of a program announce to each other, see
//! [`SignalBus`](crate::SignalBus).

// | file | what it is |
// |---|---|
// | `options.rs` | the window of one request, and what a second one does |
// | `handlers.rs` | the handlers, and the thread that waits for the first signal |
// | `stop.rs` | what the program looks at, awaits, or is woken by |

mod handlers;
mod options;
mod stop;

use std::{fmt, io, sync::Arc};

use self::stop::Shared;

pub use self::{
    options::{Options, Second},
    stop::Stop,
};
use crate::util::Mutex;

/// The signal that requested the shutdown.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// Returns its common name: "Ctrl-C" or "SIGTERM".
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

/// Listens from now until the process ends. All calls share one set of handlers, and a request cannot be withdrawn.
///
/// Uses the default [`Options`], unless the process is listening already: then those of the first call apply.
///
/// Costs a native thread, parked until the first signal. Handlers installed by others are called too. On Windows, which has no
/// SIGTERM, it polls for Ctrl-C twenty times a second.
///
/// # Errors
/// If the operating system refuses a handler, a pipe or a thread.
pub fn listen() -> io::Result<Stop> {
    share(None)
}

/// Like [`listen`], with custom options. They apply to the whole process: call it in `main`, before any other call.
///
/// ```
/// use control_panel::signals::{self, Options, Second};
/// use std::time::Duration;
///
/// // A terminal program that asks "really quit?" counts the presses itself.
/// let stop = signals::listen_with(Options::default().second(Second::Ignored))?;
/// assert!(!stop.is_requested());
/// // Later calls get the same.
/// assert!(signals::listen().is_ok());
/// assert!(
///     signals::listen_with(Options::default().window(Duration::from_secs(2)))
///         .is_err()
/// );
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// As `listen`, and [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the process is listening already with other options.
pub fn listen_with(options: Options) -> io::Result<Stop> {
    share(Some(options))
}

fn share(wanted: Option<Options>) -> io::Result<Stop> {
    static SHARED: Mutex<Option<(Options, Arc<Shared>)>> = Mutex::new(None);
    let mut listening = SHARED.lock();
    if let Some((options, shared)) = &*listening {
        if wanted.is_some_and(|wanted| wanted != *options) {
            let message = format!("this process listens for signals already, with {options:?}");
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        return Ok(Stop::new(Arc::clone(shared)));
    }
    let options = wanted.unwrap_or_default();
    let shared = Arc::new(Shared::default());
    handlers::install(options, &shared)?;
    *listening = Some((options, Arc::clone(&shared)));
    Ok(Stop::new(shared))
}
