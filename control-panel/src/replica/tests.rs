//! What a hostile, broken or unlucky peer does, and what a replica makes of it. `Forger` makes what no honest replica makes.

mod clocks;
mod desync;
mod effects;
mod floods;
mod forger;
mod forks;
mod layers;
mod members;
mod orders;
mod poison;
mod silent;
mod waits;
