//! The intents of a frame, by source.

use crate::util::Name;

/// Counts the intents of a frame by source.
#[derive(Debug)]
pub(crate) struct Tally<S> {
    /// `None` for frames under test, which have no panel.
    #[cfg(feature = "metrics")]
    panel: Option<Name>,
    #[cfg(feature = "metrics")]
    counts: Vec<(S, u64)>,
    #[cfg(not(feature = "metrics"))]
    nothing: std::marker::PhantomData<S>,
}

impl<S> Tally<S> {
    /// Of the panel with this name.
    #[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nothing listens"))]
    #[inline]
    pub(crate) fn of(panel: Option<&Name>) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            panel: panel.cloned(),
            #[cfg(feature = "metrics")]
            counts: Vec::new(),
            #[cfg(not(feature = "metrics"))]
            nothing: std::marker::PhantomData,
        }
    }
}

impl<S: Copy + PartialEq + std::fmt::Debug> Tally<S> {
    #[inline]
    #[cfg_attr(
        not(feature = "metrics"),
        expect(unused_variables, clippy::unused_self, reason = "nothing listens")
    )]
    pub(crate) fn add(&mut self, source: S) {
        // A frame is ordered by source, so it is nearly always the last one.
        #[cfg(feature = "metrics")]
        match self.counts.iter_mut().rev().find(|(known, _)| *known == source) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((source, 1)),
        }
    }

    #[cfg_attr(not(feature = "metrics"), expect(clippy::unused_self, reason = "nothing listens"))]
    pub(crate) fn tell(&mut self) {
        #[cfg(feature = "metrics")]
        for (source, count) in self.counts.drain(..) {
            let panel = self.panel.as_ref().map_or("", Name::as_str).to_owned();
            metrics::counter!("control_panel_intents_total", "panel" => panel, "source" => format!("{source:?}"))
                .increment(count);
        }
    }
}
