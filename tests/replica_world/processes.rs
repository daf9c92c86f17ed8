use std::process::Command;

use control_panel::{
    Stamp, State,
    testing::{self, World},
};

use crate::table::{Machines, edit};

/// Set for the processes that only write their log.
const SEED: &str = "REPLICA_WORLD_LOG_OF";

/// Floating point: every operation is made of the state as it is, so the log shows each of its bits.
#[derive(Clone, Debug, Default, PartialEq)]
struct Orbit {
    place: f64,
    speed: f64,
}

impl State for Orbit {
    type Op = f64;

    fn apply(&mut self, push: &f64, stamp: &Stamp) {
        let time = f64::from(u16::try_from(stamp.lamport % 1_000).expect("below 1,000"));
        self.speed = (self.speed + push) / 3.0 - self.place * 0.1;
        self.place += self.speed * time.sqrt() * 0.7 + 0.1;
    }
}

/// What one process writes. Empty unless it was started for it; `.ci/long` starts it at two optimisation levels.
#[test]
fn log_of_this_process() {
    let Some(seed) = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()) else { return };
    let world = World { seed, peers: 5, delay: 9, partitions: 2, crashes: 4, ..World::default() };
    println!("{:#?}", world.run(Machines::default, |builder| builder, edit));
    let push =
        |rng: &mut testing::Rng, _, orbit: &Orbit| rng.chance(40).then_some(orbit.place * 0.3 - orbit.speed);
    println!("{:#?}", world.run(Orbit::default, |builder| builder, push));
}

fn log(seed: u64) -> Vec<u8> {
    let this = std::env::current_exe().expect("the test binary");
    let output = Command::new(this)
        .args(["processes::log_of_this_process", "--exact", "--nocapture", "--test-threads=1"])
        .env(SEED, seed.to_string())
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let report = text.find("WorldReport {").expect("a report");
    // After it comes how long the tests took.
    let end = text.rfind("\n}\n").expect("its end");
    text[report..end].to_owned().into_bytes()
}

#[test]
fn two_processes_of_one_seed_write_the_same_bytes_and_two_seeds_do_not() {
    for seed in 0..4 {
        let (one, two) = (log(seed), log(seed));
        assert!(one.len() > 4_000, "{} bytes", one.len());
        assert_eq!(one, two, "seed {seed}");
        assert_ne!(one, log(seed + 1), "seed {seed}");
    }
}
