//! Whatever happens in whatever order, the invariants hold.

use proptest::prelude::*;

use super::harness::{MS, World, failed, group, spec};
use crate::{
    lifecycle::{AutoShutdown, Backoff, Cause, Escalate, Exit, Restart, Strategy as Together},
    util::Name,
};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

#[expect(clippy::struct_excessive_bools, reason = "options, each for itself")]
#[derive(Debug, Clone)]
struct Hire {
    name: &'static str,
    restart: Restart,
    backoff: u32,
    after: Option<&'static str>,
    repeatable: bool,
    significant: bool,
    escalates: bool,
    awaited: bool,
    most: u32,
}

impl Hire {
    fn spec(&self) -> super::super::ChildSpec {
        let mut spec = spec(self.name, self.restart);
        spec.options.backoff = Backoff::new(self.backoff * MS, 4 * self.backoff * MS);
        spec.options.after.extend(self.after.map(Name::from));
        (spec.options.repeatable, spec.options.significant) = (self.repeatable, self.significant);
        spec.options.run.ready_within = self.awaited.then_some(MS);
        spec.options.escalate = if self.escalates { Escalate::Panel } else { Escalate::Never };
        spec
    }
}

#[derive(Debug, Clone)]
enum Step {
    Admit(Hire),
    Group(Together, AutoShutdown, Vec<Hire>),
    Task(Option<u8>),
    Obey(usize),
    Exit(usize, bool),
    Stop(usize),
    Restart(usize),
    Stuck(usize),
    EscalateStuck(usize),
    Healthy(usize),
    Ready(usize),
    NotReady(usize),
    Abort(usize),
    Forsake(usize),
    EndGroup(usize),
    Settle(bool),
    Pass(u32),
    StopAll,
    Hurry,
}

fn hire() -> impl Strategy<Value = Hire> {
    let restart = prop::sample::select(vec![Restart::Never, Restart::OnFailure, Restart::Always]);
    let name = || prop::sample::select(&NAMES[..]);
    let odd = || prop::bool::weighted(0.1);
    let after = prop::option::weighted(0.3, name());
    let awaited = prop::bool::weighted(0.3);
    (name(), restart, 0_u32..30, after, odd(), prop::bool::ANY, odd(), awaited, 0_u32..4).prop_map(
        |(name, restart, backoff, after, once, significant, escalates, awaited, most)| {
            let backoff = if backoff < 10 { 0 } else { backoff };
            Hire { name, restart, backoff, after, repeatable: !once, significant, escalates, awaited, most }
        },
    )
}

/// Steps that end everything are rare.
fn rarely(step: impl Strategy<Value = Step>) -> impl Strategy<Value = Step> {
    (step, prop::bool::weighted(0.2)).prop_map(|(step, really)| if really { step } else { Step::Pass(1) })
}

fn step() -> impl Strategy<Value = Step> {
    let strategy = prop::sample::select(vec![Together::OneForOne, Together::OneForAll, Together::RestForOne]);
    let auto = prop::sample::select(vec![
        AutoShutdown::Never,
        AutoShutdown::Never,
        AutoShutdown::AnySignificant,
        AutoShutdown::AllSignificant,
    ]);
    let any = || 0_usize..20;
    prop_oneof![
        6 => hire().prop_map(Step::Admit),
        3 => (strategy, auto, prop::collection::vec(hire(), 0..5)).prop_map(|(s, a, m)| Step::Group(s, a, m)),
        6 => prop::option::weighted(0.7, 0_u8..3).prop_map(Step::Task),
        30 => any().prop_map(Step::Obey),
        12 => (any(), prop::bool::weighted(0.8)).prop_map(|(n, fails)| Step::Exit(n, fails)),
        4 => any().prop_map(Step::Stop),
        4 => any().prop_map(Step::Restart),
        2 => any().prop_map(Step::Stuck),
        1 => rarely(any().prop_map(Step::EscalateStuck)),
        1 => any().prop_map(Step::Healthy),
        6 => any().prop_map(Step::Ready),
        3 => any().prop_map(Step::NotReady),
        2 => any().prop_map(Step::Abort),
        1 => any().prop_map(Step::Forsake),
        2 => any().prop_map(Step::EndGroup),
        2 => prop::bool::ANY.prop_map(Step::Settle),
        6 => (1_u32..60).prop_map(Step::Pass),
        1 => rarely(Just(Step::StopAll)),
        1 => rarely(Just(Step::Hurry)),
    ]
}

fn run(steps: Vec<Step>, backwards: bool, in_steps: bool) {
    let mut world = World::new();
    world.in_steps = in_steps;
    for step in steps {
        world.stop_some();
        take(&mut world, step);
    }
    // No more events: every task that has something to do does it, and then everything rests.
    world.settle(backwards);
    world.end(!backwards);
}

fn take(world: &mut World, step: Step) {
    let alive = world.alive();
    let some = |n: usize| (!alive.is_empty()).then(|| alive[n % alive.len()]);
    match step {
        Step::Admit(hire) => drop(world.admit(hire.spec(), hire.most)),
        Step::Group(strategy, auto, members) => {
            let mut together = group(strategy);
            together.auto_shutdown = auto;
            world.admit_group(together, members.iter().map(Hire::spec).collect()).ok();
        }
        Step::Task(key) => drop(world.admit_task(key)),
        Step::Obey(n) => _ = some(n).map(|id| world.obey(id)),
        Step::Exit(n, fails) => {
            let exit = if fails { failed() } else { Exit::Finished };
            _ = some(n).map(|id| world.exit(id, &exit));
        }
        Step::Stop(n) => _ = some(n).map(|id| world.stop(id, Cause::Stopped)),
        Step::Restart(n) => _ = some(n).map(|id| world.restart(id)),
        Step::Stuck(n) => _ = some(n).map(|id| world.stuck(id)),
        Step::EscalateStuck(n) => {
            _ = some(n).map(|id| world.act(None, |machine, _| machine.escalate_stuck(id), |_| ()));
        }
        Step::Healthy(n) => {
            if let Some(id) = some(n) {
                let generation = world.workers[&id].generation;
                world.act(None, |machine, _| machine.healthy(id, generation), |_| ());
            }
        }
        Step::Ready(n) => _ = some(n).map(|id| world.ready(id)),
        Step::NotReady(n) => _ = some(n).map(|id| world.not_ready(id)),
        Step::Abort(n) => _ = some(n).map(|id| world.left(id, Exit::Aborted)),
        Step::Forsake(n) => _ = some(n).map(|id| world.task_dropped(id)),
        Step::EndGroup(n) => {
            let groups: Vec<_> = world.groups.keys().copied().collect();
            if !groups.is_empty() {
                world.end_group(groups[n % groups.len()]);
            }
        }
        Step::Settle(backwards) => world.settle(backwards),
        Step::Pass(ms) => world.now = Some(world.now() + ms * MS),
        Step::StopAll => world.stop_all(Cause::Shutdown),
        // Only happens during a shutdown.
        Step::Hurry => {
            if world.machine.is_stopping() {
                world.skip_order();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_events_in_any_order(
        steps in prop::collection::vec(step(), 0..120),
        backwards in prop::bool::ANY,
        in_steps in prop::bool::ANY,
    ) {
        run(steps, backwards, in_steps);
    }
}
