//! What happens to which workers, in which order: at random.

use control_panel::{Restart, supervision::Strategy as Together};
use proptest::prelude::*;

/// How a worker lives: each run takes so many ms, then it fails or returns; once asked to stop it needs so many ms.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) up: u64,
    pub(crate) fails: bool,
    pub(crate) backoff: u32,
    pub(crate) lingers: Option<u64>,
    pub(crate) restart: Restart,
    pub(crate) kind: Kind,
}

/// Where it runs. On a paused clock every worker is async: there nothing depends on the timing of threads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Async,
    Local,
    Blocking,
    Thread,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Spawn(Life),
    Keyed(u8, Life),
    Group(Together, Vec<Life>),
    Stop(usize),
    Restart(usize),
    StopGroup(usize),
    Sleep(u64),
    Yield,
    Look,
    Drain,
}

fn life() -> impl Strategy<Value = Life> {
    let restart = prop::sample::select(vec![Restart::Never, Restart::OnFailure, Restart::Always]);
    let kind = prop::sample::select(vec![Kind::Async, Kind::Local, Kind::Blocking, Kind::Thread]);
    (0_u64..6, any::<bool>(), 0_u32..4, prop::option::of(0_u64..4), restart, kind).prop_map(
        |(up, fails, backoff, lingers, restart, kind)| Life { up, fails, backoff, lingers, restart, kind },
    )
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let together = prop::sample::select(vec![Together::OneForOne, Together::OneForAll, Together::RestForOne]);
    prop_oneof![
        4 => life().prop_map(Step::Spawn),
        5 => (0_u8..3, life()).prop_map(|(key, life)| Step::Keyed(key, life)),
        2 => (together, prop::collection::vec(life(), 0..4)).prop_map(|(s, m)| Step::Group(s, m)),
        5 => (0_usize..20).prop_map(Step::Stop),
        6 => (0_usize..20).prop_map(Step::Restart),
        2 => (0_usize..20).prop_map(Step::StopGroup),
        8 => (0_u64..5).prop_map(Step::Sleep),
        6 => Just(Step::Yield),
        3 => Just(Step::Look),
        2 => Just(Step::Drain),
    ]
}

/// The same steps with workers that are all async.
pub(crate) fn all_async(mut steps: Vec<Step>) -> Vec<Step> {
    for step in &mut steps {
        match step {
            Step::Spawn(life) | Step::Keyed(_, life) => life.kind = Kind::Async,
            Step::Group(_, lives) => lives.iter_mut().for_each(|life| life.kind = Kind::Async),
            _ => {}
        }
    }
    steps
}
