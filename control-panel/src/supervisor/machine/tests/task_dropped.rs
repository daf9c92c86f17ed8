//! The runtime is gone, and the worker's task is not the runtime's, or is gone while its generation runs on.

use super::{
    cases::{exit, find, three},
    harness::{World, failed, spec},
};
use crate::lifecycle::{
    cause::Cause,
    exit::Exit,
    options::{AutoShutdown, Strategy},
    restart::Restart,
};

/// Who runs on without its task is stopped for good, whatever it was told before, and does not pass for one that ended well.
#[test]
fn who_is_forsaken_is_stopped_for_good() {
    for told in [None, Some(Cause::Restart), Some(Cause::Stuck)] {
        let mut world = World::new();
        let id = world.admit(spec("a", Restart::Always), 3).unwrap();
        world.settle(false);
        match told {
            Some(Cause::Restart) => world.restart(id),
            Some(_) => world.stuck(id),
            None => {}
        }
        assert_eq!(world.workers[&id].cancelled, told);
        world.task_dropped(id);
        assert_eq!(world.workers[&id].cancelled, Some(Cause::RuntimeGone), "after {told:?}");
        world.exit(id, &Exit::Finished);
        world.obey(id);
        let (exit, cause) = world.workers[&id].ended.clone().unwrap();
        let how = if told == Some(Cause::Stuck) { Exit::Stuck } else { Exit::Aborted };
        assert_eq!((exit, cause), (how.to_string(), Some(Cause::RuntimeGone)), "after {told:?}");
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

/// Of these no generation follows anyway, and they were told why: that stays.
#[test]
fn who_is_not_to_be_started_again_keeps_the_cause_that_it_was_told() {
    let mut once = spec("once", Restart::Never);
    once.repeatable = false;
    let mut world = World::new();
    let once = world.admit(once, 3).unwrap();
    world.settle(false);
    world.stuck(once);
    world.task_dropped(once);
    assert_eq!(world.workers[&once].cancelled, Some(Cause::Stuck));
    world.exit(once, &Exit::Finished);
    world.end(false);
    // One that is never restarted, with a group that is; and one that is always, with a group that ends.
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
