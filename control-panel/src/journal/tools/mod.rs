//! What is done with a recording: replay, comparison, change, search. Pure: files are `replay/file.rs`'s.

mod alike;
mod compare;
mod ddmin;
mod redact;
mod refold;
mod replay;
mod shrink;
mod test_source;
mod timeline;
mod whatif;

pub use self::{
    compare::Divergence,
    refold::Refolded,
    replay::Replay,
    shrink::Shrunk,
    timeline::Timeline,
    whatif::{Edit, EditError, WhatIf},
};
