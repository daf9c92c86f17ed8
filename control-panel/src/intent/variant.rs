//! What is known of a variant without a value of it.

/// A variant of an intent, as [`Intent::VARIANTS`](crate::Intent::VARIANTS) lists them.
///
/// ```
/// use control_panel::{Intent, intent::Variant};
///
/// /// One line of a dashboard for each variant.
/// fn lines<I: Intent>() -> Vec<String> {
///     let line = |variant: &Variant| {
///         format!(
///             "{}{}",
///             variant.name,
///             if variant.replicated { " (replicated)" } else { "" }
///         )
///     };
///     I::VARIANTS.iter().map(line).collect()
/// }
///
/// #[derive(control_panel::GraphIntent)]
/// enum Update {
///     Refresh,
///     #[intent(clock = 0)]
///     Merged(u64),
/// }
/// assert_eq!(lines::<Update>(), ["Refresh", "Merged (replicated)"]);
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variant {
    /// Its name, without `r#`.
    pub name: &'static str,
    /// Whether it has a clock, so that peers see it. Without one it is local.
    pub replicated: bool,
    /// Whether a journal records only its name and its place in the frame, so that a replay cannot apply it:
    /// `#[intent(skip)]`.
    ///
    /// ```
    /// use control_panel::{GraphIntent, Intent};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Open(String),
    ///     #[intent(skip)]
    ///     PasswordTyped(String),
    /// }
    /// assert_eq!(
    ///     Update::VARIANTS.iter().map(|variant| variant.skipped).collect::<Vec<_>>(),
    ///     [false, true]
    /// );
    /// ```
    pub skipped: bool,
}

impl Variant {
    pub(crate) const fn new(name: &'static str, replicated: bool) -> Self {
        Self { name, replicated, skipped: false }
    }

    pub(crate) const fn skip(self) -> Self {
        Self { skipped: true, ..self }
    }
}
