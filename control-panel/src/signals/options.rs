//! The window of one request, and what a second one does.

use std::time::Duration;

/// How signals become requests, for [`listen_with`](super::listen_with).
///
/// By default, signals that arrive within 500 ms are one request, and a second request ends the process. Half a second is well
/// above what a wrapper needs to forward a signal (milliseconds; a busy script host may take a few hundred), and about how long
/// a person waits before pressing again because nothing happened, or a held key before it repeats. Where the two overlap, the
/// longer window is the cheaper mistake: a press inside it costs another press, but a duplicate after it costs the unsaved
/// data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub(super) window: Duration,
    pub(super) second: Second,
}

impl Options {
    /// How long signals belong to the request that the first one made, whichever they are and however many. Counted from the
    /// first, not the last, so that many presses in a row do end the process. Default: 500 ms; with `Duration::ZERO` the next
    /// signal is a second request.
    ///
    /// A busy machine may notice the end of the window late, never early.
    pub fn window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// What a signal after the window does. Default: it [ends the process](Second::EndsProcess).
    pub fn second(self, second: Second) -> Self {
        Self { second, ..self }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { window: Duration::from_millis(500), second: Second::default() }
    }
}

/// What a second request does: a signal after the [window](Options::window) of the first.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Second {
    /// Ends the process immediately, with status 130 (Ctrl-C) or 143 (SIGTERM): the way out if the orderly shutdown is stuck.
    #[default]
    EndsProcess,
    /// Nothing: the first request continues, and ends by the panel's [shutdown
    /// deadline](crate::PanelBuilder::shutdown_timeout).
    Ignored,
}
