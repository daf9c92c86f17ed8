//! The two facades. Without its feature each of these does nothing, so that their callers need no `cfg`.

#![cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "there is no recorder"))]

/// Whether anything may listen at all.
pub(crate) const LISTENS: bool = cfg!(any(feature = "tracing", feature = "metrics"));

/// Logs an event of a panel for the program's subscriber.
macro_rules! log {
    ($level:ident, $panel:expr, $($name:ident = $value:expr,)* $text:literal) => {{
        #[cfg(feature = "tracing")]
        tracing::$level!(target: $crate::util::span::TARGET, panel = $panel, $($name = $value,)* $text);
        #[cfg(not(feature = "tracing"))]
        let _ = ($panel, $(&$value,)* format_args!($text));
    }};
}

pub(super) use log;

/// Of the panel, and what else tells this counter or gauge from others of its name.
type Labels<'a> = &'a [(&'static str, &'a str)];

#[cfg(feature = "metrics")]
fn labels(panel: &str, more: Labels<'_>) -> Vec<metrics::Label> {
    let all = [("panel", panel)].into_iter().chain(more.iter().copied());
    all.map(|(name, value)| metrics::Label::new(name, value.to_owned())).collect()
}

/// Adds to a counter.
pub(super) fn count(counter: &'static str, panel: &str, more: Labels<'_>, by: u64) {
    #[cfg(feature = "metrics")]
    metrics::counter!(counter, labels(panel, more)).increment(by);
}

/// Sets a gauge.
pub(super) fn set(gauge: &'static str, panel: &str, to: usize) {
    #[cfg(feature = "metrics")]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is an f64, and a queue has fewer than 2^52 slots"
    )]
    metrics::gauge!(gauge, labels(panel, &[])).set(to as f64);
}

/// Changes a gauge by one. The threads of one panel, and panels of the same name, may add up in any order.
pub(super) fn shift(gauge: &'static str, panel: &str, more: Labels<'_>, up: bool) {
    #[cfg(feature = "metrics")]
    metrics::gauge!(gauge, labels(panel, more)).increment(if up { 1.0 } else { -1.0 });
}
