//! A panel without a runtime: tasks that do what the machine says, and invariants that hold meanwhile.
//!
//! It knows nothing of the machine's states: it sees what the tokio side sees, and remembers what was requested.
//!
//! | file | what |
//! |---|---|
//! | `hires` | admission |
//! | `tasks` | what a worker's task does |
//! | `orders` | orders from outside |
//! | `checks` | what must hold afterwards |

mod checks;
mod hires;
mod orders;
mod tasks;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use super::super::{ChildSpec, Directive, GroupId, GroupSpec, Machine};
use crate::{
    intent::Origin,
    lifecycle::{AutoShutdown, Backoff, Cause, Escalate, Exit, Intensity, Restart, Strategy},
    supervisor::options::Options,
    util::Name,
};

pub(super) const MS: Duration = Duration::from_millis(1);
/// The period of every intensity here.
const PERIOD: Duration = Duration::from_millis(100);

pub(super) fn failed() -> Exit {
    Exit::Failed(Box::<dyn std::error::Error + Send + Sync>::from("down").into())
}

pub(super) fn spec(name: &'static str, restart: Restart) -> ChildSpec {
    ChildSpec {
        name: Name::from(name),
        options: Box::new(Options {
            restart,
            intensity: Some(Intensity::new(3, PERIOD)),
            backoff: Backoff::none(),
            ..Options::default()
        }),
        seed: 7,
        group: None,
        place: None,
    }
}

pub(super) fn group(strategy: Strategy) -> GroupSpec {
    GroupSpec {
        strategy,
        intensity: Intensity::new(3, PERIOD),
        auto_shutdown: AutoShutdown::Never,
        escalate: Escalate::Never,
    }
}

/// One worker, as seen from outside.
#[expect(clippy::struct_excessive_bools, reason = "what was seen of it, in no order that states could have")]
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) spec: ChildSpec,
    most: usize,
    group: Option<GroupId>,
    key: Option<u8>,
    pub(super) generation: u64,
    pub(super) running: bool,
    /// Why its current run is cancelled.
    pub(super) cancelled: Option<Cause>,
    /// It was stopped for good: it never begins again.
    pub(super) stop_pending: bool,
    /// It was stopped individually after the shutdown began, so no order applies to it.
    by_hand: bool,
    /// Its task is gone, and whatever of it runs on reports its own end.
    alone: bool,
    /// It waits for its group to start it.
    held: bool,
    /// Another run must follow this one immediately.
    anew: bool,
    /// It reported that it is ready: in this run, and in any.
    ready: bool,
    was_ready: bool,
    pub(super) ended: Option<(String, Option<Cause>)>,
}

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) now: Option<Instant>,
    next: u64,
    pub(super) workers: BTreeMap<Origin, Seen>,
    pub(super) groups: BTreeMap<GroupId, (GroupSpec, Vec<Origin>)>,
    newest: BTreeMap<u8, Origin>,
    /// The workers that must have ended before each one is cancelled.
    order: BTreeMap<Origin, BTreeSet<Origin>>,
    /// Failures that count towards an intensity.
    failures: BTreeMap<Origin, Vec<Instant>>,
    pub(super) escalated: bool,
    /// Whether shutdowns proceed in steps, with events in between.
    pub(super) in_steps: bool,
    /// The log, as text.
    pub(super) log: Vec<String>,
}

impl World {
    pub(super) fn new() -> Self {
        Self { now: Some(Instant::now()), ..Self::default() }
    }

    pub(super) fn now(&self) -> Instant {
        self.now.expect("it was made by `new`")
    }

    pub(super) fn alive(&self) -> Vec<Origin> {
        self.workers.iter().filter(|(_, seen)| seen.ended.is_none()).map(|(&id, _)| id).collect()
    }

    fn id(&mut self) -> Origin {
        self.next += 1;
        Origin(self.next)
    }

    fn meet(&mut self, id: Origin, spec: ChildSpec, most: usize, group: Option<GroupId>, key: Option<u8>) {
        let seen = Seen {
            spec,
            most,
            group,
            key,
            generation: 0,
            running: false,
            cancelled: None,
            stop_pending: false,
            by_hand: false,
            alone: false,
            held: group.is_some(),
            anew: false,
            ready: false,
            was_ready: false,
            ended: None,
        };
        self.workers.insert(id, seen);
    }

    /// Lets every task do what the machine says, in the given order, until none has anything to do.
    pub(super) fn settle(&mut self, backwards: bool) {
        for _ in 0..10_000 {
            let mut ids = self.alive();
            if backwards {
                ids.reverse();
            }
            let moved = ids.iter().filter(|&&id| self.workers[&id].ended.is_none() && self.obey(id)).count();
            if self.stop_some() || moved > 0 || self.ready_some() {
                continue;
            }
            let next = self.alive().into_iter().filter_map(|id| match self.machine.next(id) {
                Directive::Begin(at) => at.filter(|&at| at > self.now()),
                _ => None,
            });
            let Some(at) = next.min() else { return self.check_quiet() };
            self.now = Some(at);
        }
        panic!("it never settles");
    }

    /// All workers are stopped and comply: nothing is left anywhere.
    pub(super) fn end(&mut self, backwards: bool) {
        self.stop_all(Cause::Shutdown);
        self.settle(backwards);
        let alive = self.alive();
        assert!(alive.is_empty(), "these live on: {alive:?}");
        let Machine { members, groups, pools, .. } = &self.machine;
        let has_task = !members.is_empty() || !pools.by_id.is_empty() || !pools.keys.is_empty();
        assert!(!has_task && groups.is_empty(), "{:?}", self.machine);
    }
}
