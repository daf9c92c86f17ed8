//! What the expansions of [`#[worker]`](macro@crate::worker) and [`#[derive(GraphIntent)]`](macro@crate::GraphIntent) call.
//!
//! Not for use by hand: it changes with any version, and the macros' version is pinned to this crate's. What an expansion asks of
//! your types is public all the same, so that what rustc says of it has names that can be looked up.

// `asked` is what an expansion asks of the user's own types, so that a mistake has words; `run` is how a worker is
// started and supervised.

mod asked;
pub mod keys;
mod run;

pub use self::{
    asked::{Again, SourceOf, Spawns, WorkerContext},
    run::Run,
};
#[doc(hidden)]
pub use crate::{Delivery, lifecycle::exit::WorkerOutput};
use crate::{LatestKey, Variant};

/// Expands to its input. An editor looks into it; rustc never does.
#[doc(hidden)]
#[macro_export]
macro_rules! __editor {
    ($($tokens:tt)*) => { $($tokens)* };
}
#[doc(hidden)]
pub use __editor as editor;

/// A variant without a clock.
#[doc(hidden)]
pub const fn local(name: &'static str) -> Variant {
    Variant::new(name, false)
}

/// A variant with a clock.
#[doc(hidden)]
pub const fn replicated(name: &'static str) -> Variant {
    Variant::new(name, true)
}

#[doc(hidden)]
/// A variant without a clock, of which a journal has the name only.
pub const fn skipped(name: &'static str) -> Variant {
    Variant::new(name, false).skip()
}

#[doc(hidden)]
/// Replaces an intent of the variant at that place with the same key.
pub const fn latest(variant: usize, key: u64) -> Delivery {
    Delivery::Latest(LatestKey { variant, key })
}
