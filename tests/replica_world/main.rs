//! Simulated networks of replicas: `testing::World` with states whose operations do not commute.
//!
//! `SEEDS=10000` runs more than the gate does (`.ci/long`), `SEEDS=890..891` some of them; a failure prints the world to run again.

mod broken;
mod figures;
mod hostile;
mod poison;
mod processes;
mod sessions;
mod table;
mod worlds;

use std::panic::{AssertUnwindSafe, catch_unwind};

use control_panel::{replica::ReplicaBuilder, testing::World};

use self::table::{Machines, edit};

/// The seeds that a test runs: as `SEEDS` says, or as many as the gate has time for.
fn seeds(gate: u64) -> std::ops::Range<u64> {
    let Ok(given) = std::env::var("SEEDS") else { return 0..gate };
    let number = |text: &str| text.parse().expect("SEEDS is a number, or first..end");
    given.split_once("..").map_or_else(|| 0..number(&given), |(first, end)| number(first)..number(end))
}

/// Of many seeds a few show nothing, by chance: those of the gate all do.
fn converges(world: &World, build: impl Fn(ReplicaBuilder<Machines>) -> ReplicaBuilder<Machines>) {
    if world.seed < 100 {
        world.assert_converges_with(Machines::default, build, edit);
    } else {
        world.run(Machines::default, build, edit);
    }
}

/// The message of a world that fails.
fn failure(world: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(world)).expect_err("it fails");
    payload.downcast_ref::<String>().expect("a message").clone()
}
