//! The replicated maps, each as its user would write it.

mod automerge;
mod automerge_0_6;
mod loro;
mod replica;
mod yrs;

pub use self::{
    automerge::Automerge,
    automerge_0_6::Automerge06,
    loro::Loro,
    replica::{Bytes, Clones, Footprints, GoesBack, Map, OurReplica, Undo, decode, encode},
    yrs::Yrs,
};
