//! Ctrl-C and SIGTERM: the first asks for an ordered shutdown, the second forces the exit.
//!
//! Handlers and not a worker, because the second one must also work while a shutdown waits for the workers.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// The signals met so far.
#[derive(Debug)]
pub(crate) struct Signals {
    /// The number of the last one; 0 before the first.
    met: Arc<AtomicUsize>,
}

impl Signals {
    /// Starts listening.
    pub(crate) fn listen() -> io::Result<Self> {
        let met = Arc::new(AtomicUsize::new(0));
        let any = Arc::new(AtomicBool::new(false));
        for (signal, number, forced) in [(SIGINT, 2, 130), (SIGTERM, 15, 143)] {
            // In this order: the first signal finds `any` unset and sets it, the second finds it set.
            flag::register_conditional_shutdown(signal, forced, Arc::clone(&any))?;
            flag::register(signal, Arc::clone(&any))?;
            flag::register_usize(signal, Arc::clone(&met), number)?;
        }
        Ok(Self { met })
    }

    /// What asked for a shutdown, if anything did.
    pub(crate) fn met(&self) -> Option<&'static str> {
        match self.met.load(Ordering::Relaxed) {
            0 => None,
            2 => Some("Ctrl-C"),
            _ => Some("SIGTERM"),
        }
    }
}
