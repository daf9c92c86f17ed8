//! The runtime is gone; the worker's task is not the runtime's, or is gone while its run continues.

use super::{
    cases::{exit, find, three},
    harness::{World, failed, spec},
};
use crate::lifecycle::{AutoShutdown, Cause, Exit, Restart, Strategy};

/// A run that continues without its task is stopped for good, whatever its cause so far, and does not count as having
/// ended well.
#[test]
fn a_worker_whose_task_is_dropped_is_stopped_for_good() {
    for before in [None, Some(Cause::Restart), Some(Cause::Stuck)] {
        let mut world = World::new();
        let id = world.admit(spec("a", Restart::Always), 3).unwrap();
        world.settle(false);
        match before {
            Some(Cause::Restart) => world.restart(id),
            Some(_) => world.stuck(id),
            None => {}
        }
        assert_eq!(world.workers[&id].cancelled, before);
        world.task_dropped(id);
        assert_eq!(world.workers[&id].cancelled, Some(Cause::RuntimeGone), "after {before:?}");
        world.exit(id, &Exit::Finished);
        world.obey(id);
        let (exit, cause) = world.workers[&id].ended.clone().unwrap();
        let how = if before == Some(Cause::Stuck) { Exit::Stuck } else { Exit::Aborted };
        assert_eq!((exit, cause), (how.to_string(), Some(Cause::RuntimeGone)), "after {before:?}");
        world.end(false);
    }
    let mut world = World::new();
    let id = world.admit(spec("a", Restart::Always), 3).unwrap();
    world.settle(false);
    world.stop(id, Cause::Stopped);
    world.task_dropped(id);
    world.exit(id, &Exit::Cancelled);
    world.obey(id);
    let ended = world.workers[&id].ended.clone();
    assert_eq!(ended, Some((Exit::Cancelled.to_string(), Some(Cause::Stopped))), "it was to end anyway");
}

/// No run follows these anyway, and their cause is set: it stays.
#[test]
fn a_run_that_no_other_follows_keeps_its_cause() {
    let mut once = spec("once", Restart::Never);
    once.options.repeatable = false;
    let mut world = World::new();
    let once = world.admit(once, 3).unwrap();
    world.settle(false);
    world.stuck(once);
    world.task_dropped(once);
    assert_eq!(world.workers[&once].cancelled, Some(Cause::Stuck));
    world.exit(once, &Exit::Finished);
    world.end(false);
    // A worker that is never restarted in a group that is, and one that always is in a group that ends.
    let cases = [
        (Strategy::OneForAll, [Restart::OnFailure, Restart::Always, Restart::Never], "", failed()),
        (Strategy::OneForOne, [Restart::OnFailure, Restart::Always, Restart::Always], "a", Exit::Finished),
    ];
    for (strategy, restarts, significant, how) in cases {
        let mut world = three(strategy, restarts, AutoShutdown::AnySignificant, significant);
        let [a, c] = ["a", "c"].map(|name| find(&world, name));
        exit(&mut world, "a", &how);
        world.obey(a);
        assert_eq!(world.workers[&c].cancelled, Some(Cause::Dependency));
        world.task_dropped(c);
        assert_eq!(world.workers[&c].cancelled, Some(Cause::Dependency));
        world.exit(c, &Exit::Finished);
        let (_, cause) = world.workers[&c].ended.clone().unwrap();
        assert_eq!(cause, Some(Cause::Dependency));
        world.end(false);
    }
}
