//! The window of one request, and what a second one does.

use std::time::Duration;

/// How signals become requests: what [`listen_with`](super::listen_with) takes.
///
/// The defaults: what arrives within 500 ms is one request, and a second one ends the process. Half a second is
/// well above what a wrapper needs to forward a signal (milliseconds; a busy script host may take some hundred), and
/// about what a person waits before pressing again because nothing happened, or a held key before it repeats. Where the two
/// overlap the longer window is the cheaper mistake: a press in it costs another press, a duplicate after it costs what was
/// not saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub(super) window: Duration,
    pub(super) second: Second,
}

impl Options {
    /// How long signals belong to the request that the first one made, whichever they are and however many. Counted from
    /// the first, not from the last, so that many presses in a row do end the process. By default 500 ms; with
    /// `Duration::ZERO` the next signal is a second request.
    ///
    /// A machine that is busy may notice the window's end late, never early.
    pub fn window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// What a signal after the window does. By default it [ends the process](Second::EndsProcess).
    pub fn second(self, second: Second) -> Self {
        Self { second, ..self }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { window: Duration::from_millis(500), second: Second::default() }
    }
}

/// What a second request does: a signal that comes after the [window](Options::window) of the first.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Second {
    /// Ends the process immediately, with status 130 (Ctrl-C) or 143 (SIGTERM): the way out where the orderly end is stuck.
    #[default]
    EndsProcess,
    /// Nothing: the first request goes on, and ends by the panel's
    /// [shutdown deadline](crate::PanelBuilder::shutdown_timeout).
    Ignored,
}
