//! A panel without a runtime: tasks that do what the machine tells them, and what must be true of it meanwhile.
//!
//! It knows nothing of the machine's states: it sees what the tokio side sees, and remembers what was asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use super::super::{Action, Directive, GroupId, GroupSpec, KeyId, Machine, Place, PoolId, Spec};
use crate::{
    group::{AutoShutdown, Strategy},
    name::Name,
    queued::Origin,
    supervise::{
        cause::Cause,
        events::EventKind,
        exit::Exit,
        lifecycle::{Backoff, Intensity, Restart},
        watchdog::OnStuck,
    },
    worker::{Escalate, Refusal},
};

pub(super) const MS: Duration = Duration::from_millis(1);
/// The period of every intensity here.
const PERIOD: Duration = Duration::from_millis(100);

pub(super) fn failed() -> Exit {
    Exit::Failed(Box::<dyn std::error::Error + Send + Sync>::from("down").into())
}

pub(super) fn spec(name: &'static str, restart: Restart) -> Spec {
    Spec {
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
    pub(super) spec: Spec,
    most: usize,
    group: Option<GroupId>,
    key: Option<u8>,
    pub(super) generation: u64,
    pub(super) running: bool,
    /// Why its running generation was told to stop.
    pub(super) cancelled: Option<Cause>,
    /// It was told to end: it never begins again.
    pub(super) doomed: bool,
    /// It was stopped alone after everybody was: no order holds for it.
    by_hand: bool,
    /// Its task is gone, and what runs of it tells of its end.
    alone: bool,
    /// It waits for the start that its group gives it.
    held: bool,
    /// This generation was to be followed at once by another.
    anew: bool,
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

    fn meet(&mut self, id: Origin, spec: Spec, most: usize, group: Option<GroupId>, key: Option<u8>) {
        let seen = Seen {
            spec,
            most,
            group,
            key,
            generation: 0,
            running: false,
            cancelled: None,
            doomed: false,
            by_hand: false,
            alone: false,
            held: group.is_some(),
            anew: false,
            ended: None,
        };
        self.workers.insert(id, seen);
    }

    pub(super) fn admit(&mut self, mut spec: Spec, most: u32) -> Result<Origin, Refusal> {
        let id = self.id();
        spec.intensity = Intensity::new(most, PERIOD);
        let admitted = self.act(
            None,
            |machine, _| machine.admit(id, spec.clone()),
            |world| {
                world.meet(id, spec.clone(), most as usize, None, None);
            },
        );
        admitted.map(|()| id)
    }

    /// A task of the only pool: two at once, three more may wait.
    pub(super) fn admit_task(&mut self, key: Option<u8>) -> Result<Origin, Refusal> {
        let id = self.id();
        let replaces = key.and_then(|key| self.newest.get(&key).copied());
        let key_id = key.map(|key| KeyId(key.into()));
        let mut spec = spec("task", Restart::OnFailure);
        spec.place = Some(Place { pool: PoolId(0), limit: 2, backlog: 3, key: key_id });
        let admitted = self.act(
            None,
            |machine, _| machine.admit(id, spec.clone()),
            |world| {
                world.meet(id, spec.clone(), 3, None, key);
                if let Some(before) = replaces.and_then(|before| world.workers.get_mut(&before)) {
                    before.doomed = true;
                }
            },
        );
        if admitted.is_ok() {
            self.newest.extend(key.map(|key| (key, id)));
        }
        admitted.map(|()| id)
    }

    pub(super) fn admit_group(&mut self, spec: GroupSpec, members: Vec<Spec>) -> Result<GroupId, Refusal> {
        let group = GroupId(self.next);
        let members: Vec<_> = members.into_iter().map(|spec| (self.id(), spec)).collect();
        self.act(
            None,
            |machine, _| machine.admit_group(group, spec, members.clone()),
            |world| {
                for (id, spec) in &members {
                    world.meet(*id, spec.clone(), usize::MAX, Some(group), None);
                }
                world.groups.insert(group, (spec, members.iter().map(|&(id, _)| id).collect()));
            },
        )?;
        Ok(group)
    }

    /// The worker's task does its next step, if it can. Returns whether it did.
    pub(super) fn obey(&mut self, id: Origin) -> bool {
        let seen = &self.workers[&id];
        if seen.running {
            return seen.cancelled.is_some() && self.exit(id, &Exit::Cancelled);
        }
        match self.machine.next(id) {
            Directive::Wait => false,
            Directive::Begin(at) if at > self.now => {
                assert_eq!(self.begin(id), None, "{id} began before its time");
                false
            }
            Directive::Begin(_) => {
                let before = self.workers[&id].generation;
                assert_eq!(self.begin(id), Some(before + 1), "{id} was told to begin");
                true
            }
            Directive::Leave => {
                self.left(id, Exit::Cancelled);
                true
            }
        }
    }

    fn begin(&mut self, id: Origin) -> Option<u64> {
        self.act(Some(id), |machine, now| machine.begin(id, now), |_| ())
    }

    /// Its generation ends, if one runs. Returns whether.
    pub(super) fn exit(&mut self, id: Origin, exit: &Exit) -> bool {
        let seen = &self.workers[&id];
        if !seen.running || seen.ended.is_some() {
            return false;
        }
        if seen.alone {
            let gone = seen.cancelled == Some(Cause::RuntimeGone);
            self.left(id, exit.clone());
            let told = self.workers[&id].ended.as_ref().expect("it left");
            let well = [Exit::Finished, Exit::Cancelled].map(|exit| exit.to_string());
            assert!(!gone || !well.contains(&told.0), "{id} passes for one that ended well: {told:?}");
            return true;
        }
        // As the tokio side does where it can: both in one.
        if seen.cancelled.is_some_and(Cause::is_final) && id.0 % 2 == 0 {
            self.act(
                Some(id),
                |machine, _| machine.ended(id, exit.clone(), None),
                |world| {
                    world.workers.get_mut(&id).expect("it runs").running = false;
                },
            );
            assert!(self.workers[&id].ended.is_some(), "{id} ended, and that was not told");
            return true;
        }
        let wants = match seen.cancelled {
            None => seen.spec.restart.wants(exit),
            // Unless somebody restarted it since, which is told to nobody.
            Some(Cause::Stuck) => seen.spec.repeatable && !seen.doomed && !seen.anew,
            Some(_) => false,
        };
        let alone = seen.group.is_none();
        let stopping = self.machine.is_stopping();
        let told = self.log.len();
        let fits = (wants && alone && !stopping).then(|| self.one_more_fits(id));
        self.act(
            Some(id),
            |machine, now| machine.exited(id, exit.clone(), now),
            |world| {
                world.workers.get_mut(&id).expect("it runs").running = false;
            },
        );
        let gave_up = self.log[told..].iter().any(|line| line.contains("stuck too often"));
        if let Some(fits) = fits {
            assert_eq!(!fits, gave_up, "{id}: its intensity");
        }
        assert!(wants || !gave_up, "{id} gave up and had not failed");
        true
    }

    pub(super) fn stuck(&mut self, id: Origin) {
        self.act(None, |machine, _| machine.restart_stuck(id), |_| ());
    }

    /// An independent sliding window.
    fn one_more_fits(&mut self, id: Origin) -> bool {
        let (now, most) = (self.now(), self.workers[&id].most);
        let failures = self.failures.entry(id).or_default();
        let recent = failures.iter().filter(|&&then| now - then < PERIOD).count();
        let fits = recent < most;
        if fits {
            failures.push(now);
        }
        fits
    }

    /// Its task is over, however.
    pub(super) fn left(&mut self, id: Origin, otherwise: Exit) {
        if self.workers[&id].ended.is_some() {
            return;
        }
        self.act(
            Some(id),
            |machine, _| machine.left(id, otherwise, None),
            |world| {
                world.workers.get_mut(&id).expect("it lives").running = false;
            },
        );
        assert!(self.workers[&id].ended.is_some(), "{id} left, and its end was not told");
    }

    /// Its task is dropped, while what runs of it goes on elsewhere.
    pub(super) fn forsaken(&mut self, id: Origin) {
        let stopping = self.machine.is_stopping();
        let seen = self.workers.get_mut(&id).expect("it was spawned");
        if !seen.running || seen.ended.is_some() {
            return;
        }
        (seen.alone, seen.doomed) = (true, true);
        self.act(None, |machine, _| machine.forsaken(id), |_| ());
        let seen = &self.workers[&id];
        // One that cannot be started again ends for being stuck, too.
        let last = |cause: Cause| cause.is_final() || !seen.spec.repeatable;
        assert!(stopping || seen.cancelled.is_some_and(last), "{id} runs on: {seen:?}");
        assert!(stopping || self.machine.next(id) == Directive::Wait, "{id} still runs");
    }

    pub(super) fn stop(&mut self, id: Origin, cause: Cause) {
        let stopping = self.machine.is_stopping();
        let seen = self.workers.get_mut(&id).expect("it was spawned");
        seen.doomed = true;
        seen.by_hand |= stopping;
        self.act(None, |machine, _| machine.stop(id, cause), |_| ());
        let seen = &self.workers[&id];
        assert!(!seen.running || seen.cancelled.is_some(), "{id} runs on");
    }

    pub(super) fn restart(&mut self, id: Origin) {
        let doomed = self.workers[&id].doomed || self.workers[&id].ended.is_some();
        let before = self.workers[&id].generation;
        let restarted = self.act(None, |machine, _| machine.restart(id), |_| ());
        assert!(!doomed || restarted.is_err(), "{id} was told to end, and then to start anew");
        let seen = self.workers.get_mut(&id).expect("it was spawned");
        assert_eq!(seen.generation, before);
        seen.anew |= restarted.is_ok();
    }

    pub(super) fn end_group(&mut self, group: GroupId) {
        let stopping = self.machine.is_stopping();
        for id in self.groups[&group].1.clone() {
            let seen = self.workers.get_mut(&id).expect("it was spawned");
            seen.by_hand |= stopping;
            seen.doomed = true;
        }
        self.act(None, |machine, _| machine.end_group(group, Cause::Stopped), |_| ());
    }

    pub(super) fn stop_all(&mut self, cause: Cause) {
        self.act(None, |machine, _| machine.stop_all(cause), |_| ());
    }

    /// Goes on with stopping everybody. Says whether there was anybody left to be told.
    pub(super) fn stop_some(&mut self) -> bool {
        let more = self.machine.stops_more();
        self.act(None, |machine, _| machine.stop_some(), |_| ());
        more
    }

    pub(super) fn hurry(&mut self) {
        self.order.clear();
        self.act(None, |machine, _| machine.hurry(), |_| ());
    }

    /// Remembers who stops before whom, whatever lies between.
    fn note_order(&mut self) {
        let alive = self.alive();
        let mut order: BTreeMap<Origin, BTreeSet<Origin>> = BTreeMap::new();
        for &later in &alive {
            let seen = &self.workers[&later];
            for &other in alive.iter().filter(|&&other| other != later) {
                let by_name = seen.spec.after.contains(&self.workers[&other].spec.name);
                let by_group =
                    seen.group.is_some() && seen.group == self.workers[&other].group && other < later;
                if by_name || by_group {
                    order.entry(other).or_default().insert(later);
                }
            }
        }
        loop {
            let known = order.clone();
            for before in order.values_mut() {
                let more: Vec<_> = before.iter().filter_map(|id| known.get(id)).flatten().copied().collect();
                before.extend(more);
            }
            if order == known {
                break;
            }
        }
        self.order = order;
    }

    /// Does something, and checks everything that came of it. `own` is whose task does it: it looks by itself what it
    /// is to do next.
    pub(super) fn act<T>(
        &mut self,
        own: Option<Origin>,
        event: impl FnOnce(&mut Machine, Instant) -> T,
        meanwhile: impl FnOnce(&mut Self),
    ) -> T {
        let directives = |world: &Self| -> BTreeMap<_, _> {
            world.alive().into_iter().map(|id| (id, world.machine.next(id))).collect()
        };
        let before = directives(self);
        let now = self.now();
        let stopping = self.machine.is_stopping();
        let outcome = event(&mut self.machine, now);
        while !self.in_steps && self.machine.stop_some() {}
        let actions = self.machine.take_actions();
        if own.is_some() || !actions.is_empty() {
            meanwhile(self);
        }
        if self.machine.is_stopping() && !stopping {
            self.note_order();
            self.workers.values_mut().for_each(|seen| seen.doomed = true);
        }
        let (mut woken, mut told) = (BTreeSet::new(), BTreeSet::new());
        for action in actions {
            match action {
                Action::Wake(id) => drop(woken.insert(id)),
                Action::Cancel(id, cause) => {
                    told.insert(id);
                    self.told(id, &EventKind::Stopping(cause));
                    self.cancelled(id, cause);
                }
                Action::BackOff(id, at) => {
                    assert_eq!(self.machine.next(id), Directive::Begin(Some(at)), "{id} is said to wait");
                    told.insert(id);
                    if at > now {
                        self.told(id, &EventKind::BackingOff(at - now));
                    }
                }
                Action::Tell(id, kind) => {
                    told.insert(id);
                    self.told(id, &kind);
                }
                Action::End(id, exited, last) => {
                    told.insert(id);
                    if let Some(exit) = exited {
                        self.told(id, &EventKind::Exited(exit));
                    }
                    self.told(id, &last);
                    assert!(self.workers[&id].ended.is_some(), "{id} is gone, and nobody was told");
                }
                Action::Drop(_) => {}
                Action::Escalate => self.escalated = true,
            }
        }
        for (id, after) in directives(self) {
            let seen = &self.workers[&id];
            let changed = before.get(&id).is_some_and(|&before| before != after);
            // Who is not to begin after all finds that out by itself.
            if changed && after != Directive::Wait && own != Some(id) && !seen.running {
                assert!(woken.contains(&id), "{id} has to {after:?} and was not woken");
            }
            if woken.contains(&id) && own != Some(id) && before.contains_key(&id) {
                // Or it was held and let go at once.
                assert!(changed || told.contains(&id), "{id} was woken for nothing: {after:?}");
            }
            if seen.doomed && !seen.running {
                assert_eq!(after, Directive::Leave, "{id} was told to end");
            }
        }
        outcome
    }

    fn cancelled(&mut self, id: Origin, cause: Cause) {
        let seen = &self.workers[&id];
        assert!(seen.running, "{id} does not run and is cancelled");
        assert_ne!(seen.cancelled, Some(cause), "{id} is told twice");
        if self.machine.is_stopping() && !seen.by_hand && seen.cancelled.is_none() {
            for other in self.order.get(&id).into_iter().flatten() {
                assert!(self.workers[other].ended.is_some(), "{id} is stopped before {other} ended");
            }
        }
        let group = seen.group.and_then(|group| self.groups.get(&group));
        if let Some((_, members)) = group.filter(|_| cause == Cause::Dependency && seen.cancelled.is_none()) {
            for other in members.iter().filter(|&&other| other > id) {
                assert!(
                    !self.workers[other].running,
                    "{id} is stopped while {other}, which came later, runs"
                );
            }
        }
        self.workers.get_mut(&id).expect("it runs").cancelled = Some(cause);
    }

    fn told(&mut self, id: Origin, kind: &EventKind) {
        self.log.push(format!("{} {kind}", self.workers[&id].spec.name));
        assert!(self.workers[&id].ended.is_none(), "{id} ended, and now {kind}");
        match kind {
            EventKind::Started => self.started(id),
            EventKind::Exited(exit) => {
                let seen = self.workers.get_mut(&id).expect("it lives");
                assert!(!seen.running);
                assert!(
                    seen.cancelled != Some(Cause::Stuck) || !exit.is_clean(),
                    "{id} was stuck, and {exit}"
                );
                seen.doomed |= seen.cancelled.is_none() && !seen.spec.restart.wants(exit);
            }
            EventKind::Waiting => {
                let seen = self.workers.get_mut(&id).expect("it lives");
                seen.held = seen.group.is_some();
            }
            EventKind::GaveUp => self.workers.get_mut(&id).expect("it lives").doomed = true,
            EventKind::Ended(exit, cause) => {
                let seen = self.workers.get_mut(&id).expect("it lives");
                assert!(!seen.running, "{id} ended and runs");
                seen.ended = Some((exit.to_string(), *cause));
            }
            EventKind::Refused(_) => {
                let seen = self.workers.get_mut(&id).expect("it lives");
                assert_eq!(seen.generation, 0, "{id} ran");
                seen.ended = Some(("refused".into(), None));
            }
            _ => {}
        }
    }

    fn started(&mut self, id: Origin) {
        let others = || self.workers.iter().filter(|&(&other, seen)| other != id && seen.ended.is_none());
        let seen = &self.workers[&id];
        assert!(!seen.running, "{id} has two generations at once");
        assert!(!seen.doomed, "{id} was told to end");
        if let Some(key) = seen.key {
            assert!(others().all(|(_, other)| other.key != Some(key) || !other.running), "two of {key}");
            assert_eq!(self.newest[&key], id, "not the newest of {key}");
        }
        if let Some(place) = seen.spec.place {
            let running = others().filter(|(_, other)| other.running && other.spec.place.is_some()).count();
            assert!(running < place.limit, "{id} is one too many");
        }
        if seen.held {
            for (other, _) in others().filter(|(_, other)| other.group == seen.group) {
                let (at, other_id) = (&self.workers[other], *other);
                let comes_before = other_id < id && !at.doomed;
                assert!(!comes_before || at.generation > 0, "{id} starts before {other_id}");
                assert_ne!(
                    at.cancelled.filter(|_| at.running),
                    Some(Cause::Dependency),
                    "{id} starts while {other_id} still stops"
                );
                assert!(!comes_before || !at.held, "{id} starts before {other_id} did again");
            }
        }
        let seen = self.workers.get_mut(&id).expect("it lives");
        (seen.running, seen.cancelled, seen.held, seen.anew) = (true, None, false, false);
        seen.generation += 1;
    }

    /// Lets every task do what it is told, in the given order, until nobody has anything to do.
    pub(super) fn settle(&mut self, backwards: bool) {
        for _ in 0..10_000 {
            let mut ids = self.alive();
            if backwards {
                ids.reverse();
            }
            let moved = ids.iter().filter(|&&id| self.workers[&id].ended.is_none() && self.obey(id)).count();
            if self.stop_some() || moved > 0 {
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

    /// Nobody has anything to do: then nobody waits for ever.
    fn check_quiet(&self) {
        let running = |seen: &&Seen| seen.running;
        let in_pool = self.workers.values().filter(|seen| seen.spec.place.is_some());
        let full = in_pool.filter(running).count() >= 2;
        for id in self.alive() {
            let seen = &self.workers[&id];
            assert!(seen.running || (seen.spec.place.is_some() && full), "{id} waits for ever: {seen:?}");
            assert!(seen.cancelled.is_none(), "{id} was told to stop");
        }
        assert!(self.machine.groups.values().all(super::super::Group::is_steady), "a group is not steady");
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
