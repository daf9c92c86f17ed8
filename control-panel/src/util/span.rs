//! The span of a run (feature `tracing`). Without the feature it is empty.

use super::name::Name;

/// The target by which subscribers filter.
#[cfg(feature = "tracing")]
pub(crate) const TARGET: &str = "control_panel";

/// A run's span: whatever is logged while the worker runs is inside it, from the call of its factory to the drop of its
/// future.
#[derive(Default)]
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    span: Option<tracing::Span>,
}

impl Span {
    #[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nothing listens"))]
    pub(crate) fn of_generation(
        panel: &Name,
        name: &Name,
        source: &Name,
        origin: u64,
        generation: u64,
    ) -> Self {
        Self {
            #[cfg(feature = "tracing")]
            span: Some(tracing::info_span!(
                target: TARGET,
                "worker",
                name = name.as_str(),
                source = source.as_str(),
                origin,
                generation,
                panel = panel.as_str()
            )),
        }
    }

    /// Runs the worker's code inside the span.
    #[cfg_attr(not(feature = "tracing"), expect(clippy::unused_self, reason = "there is no span"))]
    pub(crate) fn in_scope<T>(&self, code: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tracing")]
        if let Some(span) = &self.span {
            return span.in_scope(code);
        }
        code()
    }
}
