//! Where a panel's first policy comes from: its `Default`, or what the builder was given. rustc knows which, so that a builder
//! without either does not compile.

/// The panel's first policy is `P::default()`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByDefault;

/// The panel's first policy was given.
#[derive(Debug, Clone, Copy)]
pub struct Given<P>(P);

impl<P> Given<P> {
    pub(super) fn new(policy: P) -> Self {
        Self(policy)
    }
}

/// Where a builder gets its policy from. Sealed.
#[diagnostic::on_unimplemented(
    message = "the panel's policy `{P}` has no `Default`",
    label = "this builder has no policy yet",
    note = "give it one with `.policy(…)` before building, or implement `Default` for `{P}`"
)]
pub trait GivesPolicy<P>: sealed::Sealed {
    #[doc(hidden)]
    fn policy(self) -> P;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ByDefault {}
    impl<P> Sealed for super::Given<P> {}
}

impl<P: Default> GivesPolicy<P> for ByDefault {
    fn policy(self) -> P {
        P::default()
    }
}

impl<P> GivesPolicy<P> for Given<P> {
    fn policy(self) -> P {
        self.0
    }
}
