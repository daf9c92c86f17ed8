//! Why a panel is not built.

use std::{error::Error, fmt, io};

/// Why [`try_build`](crate::PanelBuilder::try_build) built no panel.
#[non_exhaustive]
#[derive(Debug)]
pub enum BuildError {
    /// `capacity(0)`: a queue needs room for at least one intent.
    ZeroCapacity,
    /// `signal_capacity(0)`: a bus needs room for at least one signal.
    ZeroSignalCapacity,
    /// No runtime was given and none is ambient, and the operating system refused to let the panel start its own.
    Runtime(io::Error),
    /// `idle_after(0)`: a panel becomes idle after some time without a touch.
    ZeroIdle,
    /// The runtime has no timer, which restarts, grace periods and deadlines need.
    NoTimer,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroCapacity => f.write_str("a panel's capacity must be at least 1, and 0 was given"),
            Self::ZeroSignalCapacity => {
                f.write_str("a panel's signal capacity must be at least 1, and 0 was given")
            }
            Self::ZeroIdle => f.write_str(
                "a panel is idle after some time without a touch, and `idle_after` was given 0: give it a time, or leave it out for \
                 a panel that is never idle",
            ),
            Self::NoTimer => f.write_str(
                "the panel's runtime has no timer: build it with `enable_time()` or `enable_all()`",
            ),
            Self::Runtime(_) => f.write_str(
                "the panel could not start a runtime of its own: give it one with `.runtime(handle)`",
            ),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::ZeroCapacity | Self::ZeroSignalCapacity | Self::ZeroIdle | Self::NoTimer => None,
            Self::Runtime(cause) => Some(cause),
        }
    }
}
