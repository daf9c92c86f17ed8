//! The replicated maps, each as its user would write it.

mod automerge;
mod loro;
mod replica;
mod yrs;

pub use self::{
    automerge::{Automerge, Automerge06},
    loro::Loro,
    replica::{Bytes, Clones, Footprints, GoesBack, Map, OurReplica, Undo, decode, encode},
    yrs::Yrs,
};
