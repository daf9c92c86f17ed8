//! A panel without a runtime: tasks that do what the machine tells them, and what must be true of it meanwhile.
//!
//! It knows nothing of the machine's states: it sees what the tokio side sees, and remembers what was asked for.
//!
//! | file | what |
//! |---|---|
//! | `hires` | who is taken in |
//! | `tasks` | what a worker's task does |
//! | `orders` | what is said to workers from outside |
//! | `checks` | what must be true of all that comes of it |

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
    intent::order::Origin,
    lifecycle::{
        cause::Cause,
        exit::Exit,
        intensity::Intensity,
        options::{AutoShutdown, Escalate, OnStuck, Strategy},
        restart::{Backoff, Restart},
    },
    util::name::Name,
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
        restart,
        intensity: Intensity::new(3, PERIOD),
        backoff: Backoff::none(),
        escalate: Escalate::Never,
        on_stuck: OnStuck::Warn,
        repeatable: true,
        after: Vec::new(),
        seed: 7,
        group: None,
        significant: false,
        place: None,
        ready_within: None,
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
    /// Why its running generation was told to stop.
    pub(super) cancelled: Option<Cause>,
    /// It was told to end: it never begins again.
    pub(super) stop_pending: bool,
    /// It was stopped alone after everybody was: no order holds for it.
    by_hand: bool,
    /// Its task is gone, and what runs of it tells of its end.
    alone: bool,
    /// It waits for the start that its group gives it.
    held: bool,
    /// This generation was to be followed at once by another.
    anew: bool,
    /// It said that it is ready: in this generation, and in any.
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
    /// Who must have ended before whom is told to stop.
    order: BTreeMap<Origin, BTreeSet<Origin>>,
    /// Failures that count for an intensity.
    failures: BTreeMap<Origin, Vec<Instant>>,
    pub(super) escalated: bool,
    /// Whether everybody is stopped in steps, with what happens in between.
    pub(super) in_steps: bool,
    /// What was told, in words.
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

    /// Lets every task do what it is told, in the given order, until nobody has anything to do.
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

    /// Everybody is stopped and does as told: nothing is left, nowhere.
    pub(super) fn end(&mut self, backwards: bool) {
        self.stop_all(Cause::Shutdown);
        self.settle(backwards);
        let alive = self.alive();
        assert!(alive.is_empty(), "these live on: {alive:?}");
        let Machine { members, groups, pools, .. } = &self.machine;
        assert!(members.is_empty() && groups.is_empty() && pools.is_empty(), "{:?}", self.machine);
    }
}
