//! The effects of a decision: those that must happen together with it, under the lock, and those that must not.

use std::{
    mem,
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use tokio::{sync::Notify, time::Instant};

use super::{Registry, State};
use crate::{
    lifecycle::{Event, EventKind, Exit, RunToken, Unanswered, WorkerStatus},
    supervisor::{
        cell::WorkerCell,
        kinds::Kind,
        machine::{Action, Directive},
        notable::BRIEF,
        off_task::Resume,
        report::WorkerReport,
        task::Task,
    },
    telemetry::{self, Seen},
    util::callbacks,
};

/// From this many actions on, reserving room in advance pays off.
const ROOM: usize = 64;

/// What is done without the lock, because it runs foreign code: wakers, destructors.
#[derive(Default)]
pub(super) struct Effects {
    cancel: Vec<Arc<RunToken>>,
    wake: Vec<Waker>,
    /// Tasks outside the runtime that must ask for their next step.
    resume: Vec<Arc<dyn Resume>>,
    /// Tasks whose turn has come.
    start: Vec<(Arc<WorkerCell>, Task)>,
    pub(super) announce: Vec<Arc<WorkerCell>>,
    /// Workers for which the loop is woken once nothing has happened to them for a moment.
    pub(super) settle: Vec<Arc<WorkerCell>>,
    /// Unanswered replies of workers whose exit is recorded by now.
    pub(super) unanswered: Vec<Arc<Unanswered>>,
    pub(super) logged: bool,
    /// Notify the tasks that wait for the last end.
    look: bool,
    /// Wake a sleeping loop.
    pub(super) wake_loop: bool,
    /// Events to pass to tracing and metrics.
    pub(super) seen: Vec<Seen>,
    pub(super) gone: Gone,
}

/// What is to be dropped: it holds the user's values.
#[derive(Default)]
pub(super) struct Gone {
    pub(super) statuses: Vec<WorkerStatus>,
    pub(super) events: Vec<Event>,
    pub(super) incidents: Vec<WorkerReport>,
    /// Exits that are not logged, because a worse one is.
    pub(super) exits: Vec<Exit>,
    /// The cells of workers that ended. The thread that reports an end may hold the last reference to the cell, which
    /// holds the subscriber's span and the wakers of tasks at the worker's gate.
    cells: Vec<Arc<WorkerCell>>,
    /// Tasks that were called off while they waited for a place. Each reports its own end when it is dropped.
    tasks: Vec<Task>,
}

impl Effects {
    /// Wakes tasks first, and separately from the other effects.
    pub(super) fn wake_tasks(&mut self) {
        each(mem::take(&mut self.wake), Waker::wake);
    }
}

impl Registry {
    /// Executes the effects that must be visible together with the decision: no observer sees a worker that has ended
    /// and still counts, nor one that no longer counts and has no end.
    ///
    /// `now` is one moment for all that is decided here: reading the clock takes longer than most of it. `None` if it was
    /// not read yet.
    pub(super) fn resolve(&self, state: &mut State, effects: &mut Effects, mut now: Option<Instant>) {
        let mut actions = state.machine.take_actions();
        if actions.len() > ROOM {
            effects.wake.reserve(actions.len());
        }
        let State { cells, attention, history, held, machine, .. } = &mut *state;
        let mut log = self.log.kept();
        let before = log.total();
        for action in actions.drain(..) {
            let now = *now.get_or_insert_with(|| self.hosts.now());
            match action {
                Action::Log(origin, kind) => {
                    if let Some(cell) = cells.get(origin) {
                        history.record(cell, kind, &mut log, now, effects);
                    }
                }
                Action::BackOff(origin, at) => {
                    let rest = at.saturating_duration_since(now);
                    if let Some(cell) = cells.get(origin).filter(|_| !rest.is_zero()) {
                        history.record(cell, EventKind::BackingOff(rest), &mut log, now, effects);
                    }
                }
                Action::Wake(origin) => {
                    let Some(cell) = cells.get(origin) else { continue };
                    effects.wake.extend(cell.wake_flag.raise());
                    effects.resume.extend(cell.off_task.get().cloned());
                    if let Some(task) = held.remove(&origin) {
                        self.unpolled.fetch_add(1, Ordering::Relaxed);
                        match machine.next(origin) {
                            Directive::Leave => effects.gone.tasks.push(task),
                            Directive::Begin(_) | Directive::Wait => {
                                effects.start.push((Arc::clone(cell), task));
                            }
                        }
                    }
                }
                Action::Cancel(origin, cause) => {
                    if let Some(cell) = cells.get(origin) {
                        history.record(cell, EventKind::Stopping(cause), &mut log, now, effects);
                        if let Some(run_token) = cell.set_cause(cause) {
                            effects.cancel.push(run_token);
                        }
                        if let Some(waker) = cell.wake_flag.raise() {
                            effects.wake.push(waker);
                        }
                    }
                }
                Action::End(origin, exited, last) => {
                    let Some(cell) = cells.remove(origin) else { continue };
                    if let Some(exit) = exited {
                        history.record(&cell, EventKind::Exited(exit), &mut log, now, effects);
                    }
                    history.record(&cell, last, &mut log, now, effects);
                    self.live.store(cells.len(), Ordering::Release);
                    self.on_runtime.fetch_sub(usize::from(cell.run.kind == Kind::Async), Ordering::Relaxed);
                    attention.leave(&cell);
                    effects.gone.cells.push(cell);
                    let first = history
                        .exit_reports
                        .as_mut()
                        .is_some_and(|reports| !mem::replace(&mut reports.begun, true));
                    effects.look |= first || cells.is_empty();
                }
                Action::Drop(exit) => effects.gone.exits.push(exit),
                Action::Escalate => {
                    history.expect_ends(cells);
                    self.escalated.store(true, Ordering::Release);
                    effects.wake_loop = true;
                }
            }
        }
        if history.runtime_gone {
            self.runtime_gone.store(true, Ordering::Release);
        }
        if state.cells.is_empty() && state.machine.is_stopping() && self.gone.load(Ordering::Relaxed) {
            log.end();
        }
        let logged = log.total() > before;
        self.log.complete(log);
        debug_assert_eq!(
            state.cells.len(),
            state.machine.len(),
            "each living worker has its cell, until its end is logged"
        );
        state.machine.give_back(actions);
        effects.logged |= logged;
        if logged {
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// Executes the remaining effects. A panic in foreign code does not prevent any of them.
    pub(super) fn execute(&self, effects: Effects) {
        let Effects {
            cancel,
            wake,
            resume,
            start,
            announce,
            settle,
            unanswered,
            logged,
            look,
            wake_loop,
            seen,
            gone,
        } = effects;
        each(cancel, |run_token| run_token.announce());
        self.unwoken.wake(wake);
        each(resume, Resume::resume);
        each(start, |(cell, task)| self.run(&cell, task));
        each(announce, |cell| cell.status.announce());
        each(settle, |cell| self.wake_loop_once_settled(&cell, self.hosts.now() + BRIEF));
        each(unanswered, |unanswered| unanswered.give_up());
        if logged && self.log.is_awaited() {
            each([&self.log], |log| log.announce());
        }
        if look {
            each([&self.none_left], Notify::notify_waiters);
        }
        each(seen, |seen| telemetry::lifecycle(&self.panel, &seen));
        if wake_loop && !self.gone.load(Ordering::Relaxed) {
            each([&self.on_change], |on_change| on_change());
        }
        let Gone { statuses, events, incidents, exits, cells, tasks } = gone;
        each(statuses, drop);
        each(events, drop);
        each(incidents, drop);
        each(exits, drop);
        each(cells, drop);
        each(tasks, drop);
    }
}

/// Runs foreign code for each item. The hook reports a panic, and the other items still get their turn.
// Into the caller's code: the list is usually empty, and a call costs more than this check.
#[inline(always)]
pub(super) fn each<T, L>(list: L, run: impl FnMut(T))
where
    L: IntoIterator<Item = T> + AsRef<[T]>,
{
    if !list.as_ref().is_empty() {
        callbacks::each(list, run);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{sync::Weak, time::Duration};

    use tokio::runtime::{Builder, Runtime};

    use super::{super::OnChange, *};
    use crate::{
        intent::Origin,
        lifecycle::Intensity,
        supervisor::{
            cell,
            hosts::Hosts,
            kinds::Kind,
            local::Local,
            machine::ChildSpec,
            notable::Wakes,
            options::{Options, RunOptions},
        },
        util::Name,
    };

    pub(in crate::supervisor::registry) fn spec() -> ChildSpec {
        let options =
            Options { intensity: Some(Intensity::new(0, Duration::ZERO)), ..Options::of(Kind::Async, false) };
        ChildSpec { name: Name::from("it"), options: Box::new(options), seed: 0, group: None, place: None }
    }

    pub(in crate::supervisor::registry) fn registry(runtime: &Runtime) -> Registry {
        let hosts = Hosts::new(runtime.handle().clone(), Local::new("it"));
        Registry::new(Name::from("panel"), hosts, Box::new(|| ()) as OnChange, Wakes::ForStatus)
    }

    pub(in crate::supervisor::registry) fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    /// Another thread may report the end when the worker's task is long gone and no handle is left.
    #[test]
    fn the_last_reference_to_a_cell_is_dropped_without_the_lock() {
        let registry = Arc::new(registry(&runtime()));
        let cell = Arc::new(cell::tests::cell(1, RunOptions::unwatched()));
        registry.admit(&cell, spec()).unwrap();
        let left: Weak<WorkerCell> = Arc::downgrade(&cell);
        drop(cell);
        let (mut state, mut effects) = (registry.lock(), Effects::default());
        state.machine.left(Origin(1), Exit::Cancelled, None, registry.hosts.now());
        registry.resolve(&mut state, &mut effects, None);
        assert_eq!((registry.count(), left.strong_count()), (0, 1), "it counts no more, and is there still");
        drop(state);
        registry.execute(effects);
        assert_eq!(left.strong_count(), 0);
    }

    #[test]
    fn a_panic_takes_no_other_with_it() {
        let mut run = Vec::new();
        each([0, 1, 2, 3, 4, 5], |n| {
            run.push(n);
            assert!(n % 2 == 0, "on purpose");
        });
        assert_eq!(run, [0, 1, 2, 3, 4, 5]);
    }
}
