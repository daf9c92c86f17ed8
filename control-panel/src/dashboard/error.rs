//! Why a dashboard is not served.

use std::{error::Error, fmt, io, net::SocketAddr};

/// Why a dashboard is not served.
#[non_exhaustive]
#[derive(Debug)]
pub enum DashboardError {
    /// The token has fewer than 16 bytes.
    ShortToken,
    /// The token has bytes that no request's header can hold, so no viewer could give it.
    UnsendableToken,
    /// Other machines reach this address, and the program did not say by which [name](super::Dashboard::answer_to).
    NotLoopback(SocketAddr),
    /// The address cannot be served: it is in use, or not this machine's.
    Bind {
        /// The address, if there is one.
        address: Option<SocketAddr>,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for DashboardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortToken => f.write_str(
                "the dashboard's token is too short: give it 16 bytes or more, from a random source",
            ),
            Self::UnsendableToken => f.write_str(
                "no header can hold the dashboard's token: let it have visible ASCII characters alone, as base64 or hexadecimal has",
            ),
            Self::NotLoopback(address) => write!(
                f,
                "other machines reach {address}: serve the dashboard on 127.0.0.1, or name the host that it answers to by \
                 `answer_to`"
            ),
            Self::Bind { address: Some(address), error } if error.kind() == io::ErrorKind::AddrInUse => {
                write!(
                    f,
                    "the dashboard's port is in use: {address}; take another, or 0 for any that is free"
                )
            }
            Self::Bind { address: Some(address), error } => {
                write!(f, "the dashboard cannot be served on {address}: {error}")
            }
            Self::Bind { address: None, error } => write!(f, "the dashboard has no address: {error}"),
        }
    }
}

impl Error for DashboardError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Bind { error, .. } => Some(error),
            Self::ShortToken | Self::UnsendableToken | Self::NotLoopback(_) => None,
        }
    }
}
