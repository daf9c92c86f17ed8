//! What the expansions of [`#[worker]`](macro@crate::worker) and [`#[derive(GraphIntent)]`](macro@crate::GraphIntent) ask
//! of your types, so that what rustc says of them has names that can be looked up.
//!
//! Nothing here is for use by hand: it changes with any version, and the macros' version is pinned to this crate's.

pub use crate::__private::{Again, Run, SourceOf, Spawns, WorkerContext};
