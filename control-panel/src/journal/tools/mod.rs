//! Tools for recordings: replay, comparison, change, search. Pure; files are read in `replay/file.rs`.

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
