//! Erlang/OTP's documented cases (stdlib, `supervisor`: restart strategies, restart intensity, restart type, automatic
//! shutdown), as a table; and the order of starts and stops.

use super::harness::{MS, World, failed, group, spec};
use crate::{
    intent::Origin,
    lifecycle::{AutoShutdown, Cause, Escalate, Exit, Restart, Strategy},
    util::Name,
};

/// A running group of three: `a`, `b`, `c`.
pub(super) fn three(
    strategy: Strategy,
    restarts: [Restart; 3],
    auto: AutoShutdown,
    significant: &str,
) -> World {
    let mut world = World::new();
    let members = ["a", "b", "c"].into_iter().zip(restarts).map(|(name, restart)| {
        let mut spec = spec(name, restart);
        spec.options.significant = significant.contains(name);
        spec
    });
    let mut together = group(strategy);
    together.auto_shutdown = auto;
    world.admit_group(together, members.collect()).unwrap();
    world.settle(false);
    assert_eq!(started(&mut world), ["a", "b", "c"]);
    world
}

/// Which workers began a run since the last call.
pub(super) fn started(world: &mut World) -> Vec<String> {
    world.log.drain(..).filter_map(|line| line.strip_suffix(" started").map(str::to_owned)).collect()
}

pub(super) fn exit(world: &mut World, name: &str, exit: &Exit) {
    let id = find(world, name);
    assert!(world.exit(id, exit));
}

pub(super) fn find(world: &World, name: &str) -> Origin {
    let named = |id: &Origin| world.workers[id].spec.name == *name;
    world.alive().into_iter().find(named).expect("it lives")
}

pub(super) fn living(world: &World) -> String {
    world.alive().into_iter().map(|id| world.workers[&id].spec.name.to_string()).collect()
}

#[test]
fn the_strategy_says_which_are_restarted_and_the_type_which_come_back() {
    use Restart::{Always, Never, OnFailure};
    use Strategy::{OneForAll, OneForOne, RestForOne};
    // strategy; restart types of a, b, c; which one ends, and how; which start again, in this order; which live then.
    for (strategy, restarts, who, fails, again, left) in [
        (OneForOne, [Always; 3], "b", true, &["b"][..], "abc"),
        (OneForOne, [Always; 3], "b", false, &["b"], "abc"),
        (OneForAll, [Always; 3], "b", true, &["a", "b", "c"], "abc"),
        (OneForAll, [Always; 3], "b", false, &["a", "b", "c"], "abc"),
        (RestForOne, [Always; 3], "a", true, &["a", "b", "c"], "abc"),
        (RestForOne, [Always; 3], "b", true, &["b", "c"], "abc"),
        (RestForOne, [Always; 3], "c", true, &["c"], "abc"),
        // Transient: only after a failure.
        (OneForOne, [OnFailure; 3], "b", true, &["b"], "abc"),
        (OneForOne, [OnFailure; 3], "b", false, &[], "ac"),
        (OneForAll, [OnFailure; 3], "b", true, &["a", "b", "c"], "abc"),
        (OneForAll, [OnFailure; 3], "b", false, &[], "ac"),
        // Temporary: never, and it affects no other.
        (OneForOne, [Never; 3], "b", true, &[], "ac"),
        (OneForAll, [Always, Never, Always], "b", true, &[], "ac"),
        (RestForOne, [Always, Never, Always], "b", true, &[], "ac"),
        // It is stopped with the others and does not come back.
        (OneForAll, [Always, Never, Always], "a", true, &["a", "c"], "ac"),
        (RestForOne, [Never, Always, Never], "b", true, &["b"], "ab"),
    ] {
        let case = format!("{strategy:?}, {restarts:?}, {who}, fails: {fails}");
        let mut world = three(strategy, restarts, AutoShutdown::Never, "");
        exit(&mut world, who, &if fails { failed() } else { Exit::Finished });
        world.settle(true);
        assert_eq!(started(&mut world), again, "{case}");
        assert_eq!(living(&world), left, "{case}");
        world.end(false);
    }
}

#[test]
fn significant_workers_take_their_group_along() {
    use AutoShutdown::{AllSignificant, AnySignificant};
    // when; which are significant; which end, one after the other; which live then.
    for (auto, significant, ends, left) in [
        (AutoShutdown::Never, "abc", "ab", "c"),
        (AnySignificant, "b", "b", ""),
        (AnySignificant, "b", "a", "bc"),
        (AnySignificant, "ab", "a", ""),
        (AllSignificant, "ab", "a", "bc"),
        (AllSignificant, "ab", "ab", ""),
        (AllSignificant, "ab", "ac", "b"),
        (AllSignificant, "", "a", "bc"),
    ] {
        let mut world = three(Strategy::OneForOne, [Restart::OnFailure; 3], auto, significant);
        for name in ends.chars() {
            exit(&mut world, &name.to_string(), &Exit::Finished);
            world.settle(false);
        }
        assert_eq!(living(&world), left, "{auto:?} of {significant}, when {ends} end");
        world.end(false);
    }
    // A restarted worker has not ended, and a stopped one did not end by itself.
    let mut world = three(Strategy::OneForOne, [Restart::OnFailure; 3], AnySignificant, "b");
    exit(&mut world, "b", &failed());
    world.settle(false);
    assert_eq!(living(&world), "abc");
    let b = find(&world, "b");
    world.stop(b, Cause::Stopped);
    world.settle(false);
    assert_eq!(living(&world), "ac");
}

#[test]
fn a_group_that_fails_too_often_ends_the_last_first_and_perhaps_with_the_panel() {
    for escalate in [Escalate::Never, Escalate::Panel] {
        let mut world = World::new();
        let mut together = group(Strategy::OneForOne);
        together.escalate = escalate;
        let other = world.admit(spec("other", Restart::Always), 3).unwrap();
        let members = ["a", "b", "c"].map(|name| spec(name, Restart::OnFailure));
        world.admit_group(together, members.into()).unwrap();
        world.settle(false);
        // Three within the period, in whichever members; the fourth is too many.
        for name in ["a", "b", "a", "c"] {
            world.log.clear();
            exit(&mut world, name, &failed());
            world.settle(false);
        }
        assert!(world.log.iter().any(|line| line == "c failed or was stuck too often"), "{:?}", world.log);
        let of_group = |line: &&String| line.contains("asked to stop") && !line.starts_with("other");
        let stops: Vec<_> = world.log.iter().filter(of_group).collect();
        assert!(stops[0].starts_with("b ") && stops[1].starts_with("a "), "{stops:?}");
        assert_eq!(world.escalated, escalate == Escalate::Panel);
        assert_eq!(world.workers[&other].ended.is_some(), world.escalated);
        if world.escalated {
            assert_eq!(world.workers[&other].ended.as_ref().unwrap().1, Some(Cause::Escalated));
        }
    }
}

/// Only the failure that restarted the group counts, not that of a member about to be stopped for the restart.
#[test]
fn a_failure_while_the_group_restarts_costs_no_intensity() {
    let mut world = three(Strategy::OneForAll, [Restart::Always; 3], AutoShutdown::Never, "");
    for _ in 0..3 {
        exit(&mut world, "a", &failed());
        exit(&mut world, "b", &failed());
        world.settle(false);
        assert_eq!(started(&mut world), ["a", "b", "c"]);
    }
    exit(&mut world, "a", &failed());
    world.settle(false);
    assert_eq!(living(&world), "");
}

#[test]
fn the_intensity_slides_and_its_end_is_final() {
    let mut world = World::new();
    let id = world.admit(spec("a", Restart::OnFailure), 3).unwrap();
    world.settle(false);
    // Three in each 100 ms, without end.
    for _ in 0..1_000 {
        exit(&mut world, "a", &failed());
        world.settle(false);
        world.now = Some(world.now() + 34 * MS);
    }
    assert_eq!(world.workers[&id].generation, 1_001);
    // A restart by hand does not count.
    for _ in 0..10 {
        world.restart(id);
        world.settle(false);
    }
    assert_eq!(world.workers[&id].generation, 1_011);
    world.now = Some(world.now() + 100 * MS);
    for _ in 0..4 {
        assert_eq!(living(&world), "a");
        exit(&mut world, "a", &failed());
        world.settle(false);
        world.now = Some(world.now() + 33 * MS);
    }
    assert_eq!(living(&world), "");
    assert_eq!(world.workers[&id].generation, 1_014);
}

#[test]
fn a_stuck_worker_is_restarted_once_it_stopped_within_its_intensity() {
    let mut world = World::new();
    let id = world.admit(spec("a", Restart::Never), 1).unwrap();
    world.settle(false);
    world.stuck(id);
    assert_eq!(world.workers[&id].cancelled, Some(Cause::Stuck));
    world.settle(false);
    assert_eq!(world.workers[&id].generation, 2);
    world.stuck(id);
    world.settle(false);
    let ended = world.workers[&id].ended.clone().expect("it was too often");
    assert_eq!((world.workers[&id].generation, ended), (2, ("was stuck".into(), Some(Cause::Stuck))));
    // Together with other members of its group, if the strategy restarts them too.
    let mut world = three(Strategy::OneForAll, [Restart::Always; 3], AutoShutdown::Never, "");
    let b = find(&world, "b");
    world.stuck(b);
    world.settle(false);
    assert_eq!(started(&mut world), ["a", "b", "c"]);
}

#[test]
fn a_run_that_is_stopped_as_stuck_stays_so_when_it_escalates_too() {
    let mut world = World::new();
    let id = world.admit(spec("a", Restart::Always), 3).unwrap();
    assert!(world.obey(id));
    world.stuck(id);
    assert_eq!(world.workers[&id].cancelled, Some(Cause::Stuck));
    world.act(None, |machine, _| machine.escalate_stuck(id), |_| ());
    exit(&mut world, "a", &Exit::Finished);
    world.settle(false);
    let ended = world.workers[&id].ended.clone().expect("the panel ends");
    assert_eq!(ended.0, "was stuck", "the run that was cancelled is the one that was stuck");
}

#[test]
fn a_worker_that_comes_after_is_stopped_before_even_if_one_between_is_idle() {
    let mut world = World::new();
    for (name, after) in [("store", ""), ("index", "store"), ("feed", "index")] {
        let mut spec = spec(name, Restart::OnFailure);
        spec.options.backoff = crate::lifecycle::restart::Backoff::new(50 * MS, 50 * MS);
        spec.options.after.extend((!after.is_empty()).then(|| Name::from(after)));
        world.admit(spec, 3).unwrap();
    }
    world.settle(false);
    exit(&mut world, "index", &failed());
    world.stop_all(Cause::Shutdown);
    let (store, index) = (find(&world, "store"), find(&world, "index"));
    assert!(world.obey(index), "it waits for its backoff no longer");
    assert_eq!(world.workers[&store].cancelled, None, "the feed still runs");
    world.end(false);
    let expected = ["feed asked to stop: the panel shuts down", "store asked to stop: the panel shuts down"];
    let stops: Vec<_> = world.log.iter().filter(|line| line.contains("asked to stop")).collect();
    assert_eq!(stops, expected);
}

#[test]
fn near_the_deadline_no_worker_waits_for_another() {
    let mut world = World::new();
    let mut feed = spec("feed", Restart::Never);
    feed.options.after.push(Name::from("store"));
    let store = world.admit(spec("store", Restart::Never), 3).unwrap();
    let feed = world.admit(feed, 3).unwrap();
    world.settle(false);
    world.stop_all(Cause::Shutdown);
    assert_eq!(
        (world.workers[&feed].cancelled, world.workers[&store].cancelled),
        (Some(Cause::Shutdown), None)
    );
    world.skip_order();
    assert_eq!(world.workers[&store].cancelled, Some(Cause::Shutdown));
    world.end(false);
}

#[test]
fn a_pool_has_its_limits_and_of_a_key_the_newest_counts() {
    let mut world = World::new();
    // Two run, three wait, the sixth is one too many.
    for n in 0..6 {
        assert_eq!(world.admit_task(None).is_ok(), n < 5);
    }
    world.settle(false);
    assert_eq!(world.workers.values().filter(|seen| seen.running).count(), 2);
    world.end(false);
    let mut world = World::new();
    let first = world.admit_task(Some(1)).unwrap();
    world.settle(false);
    let newer: Vec<_> = (0..99).map(|_| world.admit_task(Some(1))).collect();
    assert!(newer.iter().all(Result::is_ok), "each takes the turn of the one before");
    assert_eq!(world.workers[&first].cancelled, Some(Cause::Replaced));
    world.settle(true);
    let ran: Vec<_> =
        world.workers.iter().filter(|(_, seen)| seen.generation > 0).map(|(&id, _)| id).collect();
    assert_eq!(ran, [first, *newer[98].as_ref().unwrap()]);
    world.end(false);
}
