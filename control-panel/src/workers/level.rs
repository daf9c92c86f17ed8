//! How scarce memory is: the monitor reports it and other workers react to it.

use std::fmt;

/// How scarce memory is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub enum MemoryLevel {
    /// Enough is left.
    #[default]
    Normal,
    /// Give up what is cheap to get back.
    Warning,
    /// Give up everything that can be spared, now.
    Critical,
}

impl fmt::Display for MemoryLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Normal => "normal",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}
