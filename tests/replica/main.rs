//! Replicas through the public surface: in two panels, with effects that cannot be taken back.

mod budget;
mod effects;
mod frames;
mod lives;
mod membership;
mod misuse;
mod undo;
