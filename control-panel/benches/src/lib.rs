//! What the benchmarks share: the intents, the contestants behind one trait, interleaved rounds, tables, plots, and the
//! command line and the report of those that have sections.
//!
//! Each binary of this package is one section of the README.

pub mod alloc;
pub mod bars;
#[cfg(feature = "contestants")]
pub mod contestant;
#[cfg(feature = "contestants")]
pub mod contestants;
#[cfg(feature = "replica")]
pub mod document;
#[cfg(feature = "replica")]
pub mod documents;
pub mod intents;
pub mod machine;
pub mod plot;
pub mod random;
pub mod readme;
pub mod report;
pub mod rounds;
#[cfg(feature = "contestants")]
pub mod supervisor;
#[cfg(feature = "contestants")]
pub mod supervisors;
pub mod table;
pub mod versions;
#[cfg(feature = "replica")]
pub mod written;
