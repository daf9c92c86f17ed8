//! What a worker's task does, and what follows.

use super::{super::super::Directive, PERIOD, World};
use crate::{
    intent::Origin,
    lifecycle::{Cause, Exit, Restart},
};

impl World {
    /// The worker's task takes its next step, if it can. Returns whether it did.
    pub(in super::super) fn obey(&mut self, id: Origin) -> bool {
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
                assert_eq!(self.begin(id), Some(before + 1), "{id} was to begin");
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

    /// Its run ends, if there is one. Returns whether there was.
    pub(in super::super) fn exit(&mut self, id: Origin, exit: &Exit) -> bool {
        let seen = &self.workers[&id];
        if !seen.running || seen.ended.is_some() {
            return false;
        }
        // The runtime dropped its task, or its task ends as any other.
        if seen.alone && id.0 % 3 == 0 {
            self.left(id, exit.clone());
            return true;
        }
        // Like the tokio side where it can: both in one step.
        if seen.cancelled.is_some_and(Cause::is_final) && id.0 % 2 == 0 {
            self.act(
                Some(id),
                |machine, now| machine.ended(id, exit.clone(), None, now),
                |world| {
                    world.workers.get_mut(&id).expect("it runs").running = false;
                },
            );
            assert!(self.workers[&id].ended.is_some(), "{id} ended, and that is not logged");
            return true;
        }
        let wants = match seen.cancelled {
            None => seen.spec.options.restart.wants(exit),
            // Unless it was restarted since, which is not logged.
            Some(Cause::Stuck) => seen.spec.options.repeatable && !seen.stop_pending && !seen.anew,
            Some(Cause::NotReady) => {
                let restarts = seen.spec.options.repeatable && seen.spec.options.restart != Restart::Never;
                restarts && !seen.stop_pending && !seen.anew
            }
            Some(_) => false,
        };
        let alone = seen.group.is_none();
        let stopping = self.machine.is_stopping();
        let logged = self.log.len();
        let fits = (wants && alone && !stopping).then(|| self.one_more_fits(id));
        self.act(
            Some(id),
            |machine, now| machine.exited(id, exit.clone(), now),
            |world| {
                world.workers.get_mut(&id).expect("it runs").running = false;
            },
        );
        let gave_up = self.log[logged..].iter().any(|line| line.contains("stuck too often"));
        if let Some(fits) = fits {
            assert_eq!(!fits, gave_up, "{id}: its intensity");
        }
        assert!(wants || !gave_up, "{id} gave up and had not failed");
        true
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

    /// Its task is over, for whatever reason.
    pub(in super::super) fn left(&mut self, id: Origin, otherwise: Exit) {
        if self.workers[&id].ended.is_some() {
            return;
        }
        self.act(
            Some(id),
            |machine, now| machine.left(id, otherwise, None, now),
            |world| {
                world.workers.get_mut(&id).expect("it lives").running = false;
            },
        );
        assert!(self.workers[&id].ended.is_some(), "{id} left, and its end is not logged");
    }

    /// The runtime, which does not have its task, is gone.
    pub(in super::super) fn task_dropped(&mut self, id: Origin) {
        let stopping = self.machine.is_stopping();
        let seen = self.workers.get_mut(&id).expect("it was spawned");
        if seen.ended.is_some() {
            return;
        }
        let running = seen.running;
        (seen.alone, seen.stop_pending) = (running, seen.stop_pending || running || !stopping);
        self.act(None, |machine, _| machine.task_dropped(id), |_| ());
        if !running {
            assert!(stopping || self.machine.next(id) == Directive::Leave, "{id} is to begin yet");
            return;
        }
        let seen = &self.workers[&id];
        let last = |cause| match cause {
            // A worker that cannot be restarted ends with it.
            Cause::Stuck => !seen.spec.options.repeatable,
            Cause::NotReady => !seen.spec.options.repeatable || seen.spec.options.restart == Restart::Never,
            // A member that is never restarted is not restarted with its group either, and no member of a group that
            // ends is.
            Cause::Dependency => {
                let stays = seen.spec.options.repeatable && seen.spec.options.restart != Restart::Never;
                !stays || self.machine.is_ending(seen.group)
            }
            cause => cause.is_final(),
        };
        assert!(stopping || seen.cancelled.is_some_and(last), "{id} runs on: {seen:?}");
        assert!(stopping || self.machine.next(id) == Directive::Wait, "{id} still runs");
    }
}
