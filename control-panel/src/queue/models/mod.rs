//! Models of the queue's concurrent core: every schedule of a few threads is as good as any other, and
//! [shuttle](https://docs.rs/shuttle) plays thousands of them. A thread that sleeps forever is found (a deadlock),
//! and so is an intent that is lost, doubled or misordered.
//!
//! ```text
//! RUSTFLAGS="--cfg shuttle" cargo test -p control-panel --lib models::
//! ```
//!
//! The supervisor's combiner has models of its own, `supervisor/combiner/models.rs`.
//!
//! Each model runs under two schedulers, one that picks any thread at each step and one (PCT) that lets a thread
//! run until another overtakes it: the first finds what takes many switches, the second what takes few in long runs.
//!
//! | variable | meaning |
//! |---|---|
//! | `MODEL_ITERATIONS` | schedules per model and scheduler; default 100 |
//! | `MODEL_SEED` | repeats a run, printed by one that fails |
//!
//! What the models do not see:
//! - Weak memory. Each atomic is sequentially consistent here. What the orderings rest on is said at
//!   [`Queue`](super::Queue)'s fields.
//! - The lock of a producer's block is shuttle's, not a spin lock.
//! - tokio's `Notify` is one step, and its timers do not run: `send_timeout` is left to the tests.
//!
//! | file | what |
//! |---|---|
//! | `stage` | a queue, threads that send, and a frame loop that sleeps until it is woken |
//! | `account` | what was sent and what came of it |
//! | `actor` | a sender's ways of sending |
//! | `drive` | futures polled by hand and dropped half-way |
//! | `blocks` | sends that take the lock of their producer's block alone |
//! | `waiting` | senders that wait for a slot |
//! | `probe` | foreign code that calls the queue back |
//! | the others | the models |

mod account;
mod actor;
mod blocks;
mod drive;
mod frames;
mod panel;
mod probe;
mod sending;
mod stage;
mod stopping;
mod waiting;
mod waking;

use std::{
    env,
    hash::{BuildHasher, RandomState},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use shuttle::{
    Config, MaxSteps, Runner,
    rand::{Rng, thread_rng},
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
};

/// Steps that no model takes unless its threads are busy forever.
const STEPS: usize = 100_000;

/// How many times the PCT scheduler interrupts a run, plus one.
const DEPTH: usize = 4;

/// Runs a model under both schedulers.
pub(crate) fn check(model: fn()) {
    let iterations = variable("MODEL_ITERATIONS").map_or(100, |n| usize::try_from(n).unwrap());
    let seed = variable("MODEL_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    eprintln!("MODEL_SEED={seed} MODEL_ITERATIONS={iterations}");
    run(RandomScheduler::new_from_seed(seed, iterations), model);
    run(PctScheduler::new_from_seed(seed, DEPTH, iterations), model);
}

fn run(scheduler: impl Scheduler + 'static, model: fn()) {
    let mut config = Config::new();
    config.silence_warnings = true;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    Runner::new(scheduler, config).run(model);
}

/// Panics as a reducer might, but without the hook, which prints.
pub(crate) fn panic_on_purpose() -> ! {
    resume_unwind(Box::new(OnPurpose));
}

/// Runs `f`, which may panic on purpose.
fn catch(f: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
        if !panic.is::<OnPurpose>() {
            resume_unwind(panic);
        }
    }
}

pub(crate) struct OnPurpose;

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// A number below `n`, chosen by the scheduler: part of the schedule.
pub(crate) fn below(n: u32) -> u32 {
    thread_rng().gen_range(0..n)
}
