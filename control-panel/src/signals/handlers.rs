//! The signal handlers, and the thread that waits for the first signal.

#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use super::{
    Signal,
    options::{Options, Second},
    stop::Shared,
};

const INTERRUPT: usize = 1;
const TERMINATE: usize = 2;

impl Signal {
    pub(super) fn of(number: usize) -> Option<Self> {
        match number {
            INTERRUPT => Some(Self::Interrupt),
            TERMINATE => Some(Self::Terminate),
            _ => None,
        }
    }
}

/// Starts the thread first: handlers without it would disable Ctrl-C and offer nothing in return.
pub(super) fn install(options: Options, shared: &Arc<Shared>) -> io::Result<()> {
    // Whether a signal ends the process. A handler cannot measure time, so the thread sets it.
    let armed = Arc::new(AtomicBool::new(false));
    let (wait, waker) = first_signal(shared, &armed)?;
    let (for_thread, to_arm) = (Arc::clone(shared), Arc::clone(&armed));
    named().spawn(move || {
        // Returns without a signal only if there are no handlers.
        if wait() {
            request(options, &for_thread, &to_arm);
        }
    })?;
    let registered = register(shared, &armed, &waker);
    if registered.is_err() {
        // Registration failed half-way; the handlers that are registered end the process, as if there were none.
        armed.store(true, Ordering::Release);
    }
    registered
}

/// In this order: a signal that finds `armed` set ends the process; the woken thread finds everything else.
fn register(shared: &Shared, armed: &Arc<AtomicBool>, waker: &Waker) -> io::Result<()> {
    for (signal, number, status) in [(SIGINT, INTERRUPT, 130), (SIGTERM, TERMINATE, 143)] {
        flag::register_conditional_shutdown(signal, status, Arc::clone(armed))?;
        flag::register_usize(signal, Arc::clone(&shared.last), number)?;
        flag::register(signal, Arc::clone(&shared.met))?;
        wake(signal, waker)?;
    }
    Ok(())
}

/// The function that waits for the first signal and returns whether there was one, and the end by which the handlers wake it.
#[cfg(unix)]
fn first_signal(
    _: &Shared,
    _: &Arc<AtomicBool>,
) -> io::Result<(impl FnOnce() -> bool + Send + use<>, Waker)> {
    let (mut woken, waker) = UnixStream::pair()?;
    // The other end stays open as long as there are handlers.
    Ok((move || io::Read::read_exact(&mut woken, &mut [0]).is_ok(), waker))
}

#[cfg(unix)]
type Waker = UnixStream;

#[cfg(unix)]
fn wake(signal: i32, waker: &Waker) -> io::Result<()> {
    signal_hook::low_level::pipe::register(signal, waker.try_clone()?)?;
    Ok(())
}

/// Without a pipe that a handler may write to, it polls.
#[cfg(not(unix))]
fn first_signal(
    shared: &Shared,
    armed: &Arc<AtomicBool>,
) -> io::Result<(impl FnOnce() -> bool + Send + use<>, Waker)> {
    let (met, armed) = (Arc::clone(&shared.met), Arc::clone(armed));
    let wait = move || {
        while !met.load(Ordering::Acquire) {
            if armed.load(Ordering::Acquire) {
                return false;
            }
            thread::sleep(std::time::Duration::from_millis(50));
        }
        true
    };
    Ok((wait, ()))
}

#[cfg(not(unix))]
type Waker = ();

#[cfg(not(unix))]
fn wake(_: i32, (): &Waker) -> io::Result<()> {
    Ok(())
}

/// Runs after the first signal. The program's callbacks run on another thread, because they may get stuck, and a second request
/// must end the process all the same.
fn request(options: Options, shared: &Arc<Shared>, armed: &AtomicBool) {
    let for_callbacks = Arc::clone(shared);
    let notified = named().spawn(move || for_callbacks.notify());
    thread::sleep(options.window);
    if options.second == Second::EndsProcess {
        armed.store(true, Ordering::Release);
    }
    if notified.is_err() {
        // No thread could be started: late is better than never.
        shared.notify();
    }
}

fn named() -> thread::Builder {
    thread::Builder::new().name("control-panel-signals".into())
}
