//! Distinguishes a worker that failed from one that ended by `?` because it was asked to stop.
//!
//! The text of an error does not matter here, only its type and its chain of sources: a wrapper that exposes what it
//! wraps (`Box`, `#[from]`, `#[error(transparent)]`, `anyhow`, `io::Error::other`) is seen through, one that keeps only
//! a text is not.

use std::{error::Error, iter};

use crate::lifecycle::{NoReply, RestartError, SpawnError, Stopped};

/// A longer chain is assumed to lead back to itself.
const LONGEST: usize = 64;

/// Whether the error, or one in its chain of sources, only says that the worker or its panel stops.
pub(crate) fn is_stop_error(error: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source()).take(LONGEST).any(says_stop)
}

fn says_stop(error: &(dyn Error + 'static)) -> bool {
    // A request that is not answered while the worker stops: the loop that would have answered is stopping too.
    error.is::<Stopped>()
        || error.is::<NoReply>()
        || matches!(error.downcast_ref(), Some(RestartError::Ended | RestartError::RuntimeGone))
        || matches!(error.downcast_ref(), Some(SpawnError::ShutDown | SpawnError::RuntimeGone))
}

#[cfg(test)]
mod tests {
    use std::{fmt, io};

    use super::*;
    use crate::{
        SendError, TrySendError,
        context::PolicyClosed,
        requests::{CommandError, RequestError},
    };

    type Boxed = Box<dyn Error + Send + Sync>;

    /// Wraps an error, as `thiserror`'s `#[from]` and `#[error(transparent)]` do.
    #[derive(Debug)]
    enum Wrapper {
        From(Boxed),
        Transparent(Boxed),
        Text(String),
        Endless,
    }

    impl fmt::Display for Wrapper {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::Text(text) => f.write_str(text),
                Self::From(_) | Self::Transparent(_) | Self::Endless => f.write_str("wrapped"),
            }
        }
    }

    impl Error for Wrapper {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            match self {
                Self::From(error) => Some(&**error),
                Self::Transparent(error) => error.source(),
                Self::Text(_) => None,
                Self::Endless => Some(self),
            }
        }
    }

    #[test]
    fn what_the_panel_refuses_because_it_stops_is_seen_and_nothing_else() {
        let stops: [fn() -> Boxed; 9] = [
            || SendError::Stopping(7).into(),
            || SendError::Closed("intent").into(),
            || SendError::Ended(()).into(),
            || TrySendError::Stopping(7).into(),
            || TrySendError::Closed(7).into(),
            || RequestError::Refused(SendError::Stopping(7)).into(),
            || RequestError::<()>::Stopped.into(),
            || PolicyClosed.into(),
            || CommandError::Ended(7).into(),
        ];
        for error in stops {
            let text = error();
            assert!(is_stop_error(&*error()), "{text}");
            assert!(is_stop_error(&Wrapper::From(error())), "{text}");
            assert!(is_stop_error(&Wrapper::Transparent(error())), "{text}");
            assert!(is_stop_error(&Wrapper::From(Box::new(Wrapper::Transparent(error())))), "{text}");
            assert!(is_stop_error(&io::Error::other(error())), "{text}");
            assert!(!is_stop_error(&Wrapper::Text(text.to_string())), "a text says nothing");
        }
        assert!(is_stop_error(&NoReply) && is_stop_error(&Wrapper::From(NoReply.into())));
        assert!(is_stop_error(&RestartError::Ended) && !is_stop_error(&RestartError::RunsOnce));
        assert!(is_stop_error(&SpawnError::ShutDown) && !is_stop_error(&SpawnError::Backlog));
        let failures: [Boxed; 6] = [
            SendError::Timeout(7).into(),
            SendError::ZeroClock(7).into(),
            TrySendError::Full(7).into(),
            CommandError::Full(7).into(),
            io::Error::from(io::ErrorKind::NotFound).into(),
            Wrapper::Endless.into(),
        ];
        for error in failures {
            assert!(!is_stop_error(&*error), "{error}");
        }
    }
}
