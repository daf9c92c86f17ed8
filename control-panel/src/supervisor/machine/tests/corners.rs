//! Moments at which one decision crosses another.

use std::time::Duration;

use super::{
    super::{Action, Directive, Machine},
    cases::{exit, find, living, started, three},
    harness::{MS, World, failed, group, spec},
};
use crate::{
    lifecycle::{AutoShutdown, Backoff, Cause, Exit, Restart, RestartError, SpawnError, Strategy},
    util::Name,
};

const ALWAYS: [Restart; 3] = [Restart::Always; 3];

#[test]
fn a_restart_by_hand_cuts_the_backoff_short_and_is_refused_while_ending() {
    let mut world = World::new();
    let mut slow = spec("a", Restart::Always);
    slow.options.backoff = Backoff::new(50 * MS, 50 * MS);
    let a = world.admit(slow, 3).unwrap();
    world.settle(false);
    exit(&mut world, "a", &failed());
    assert!(!world.obey(a), "it waits");
    world.restart(a);
    assert!(world.obey(a) && world.workers[&a].running);
    let mut once = spec("once", Restart::Never);
    once.options.repeatable = false;
    let once = world.admit(once, 3).unwrap();
    world.settle(false);
    let refused = world.act(None, |machine, _| machine.restart(once), |_| ());
    assert_eq!(refused, Err(RestartError::RunsOnce));
    // In a group that ends, or a shutdown, this includes members whose turn has not come.
    for all in [false, true] {
        let mut world = three(Strategy::OneForOne, ALWAYS, AutoShutdown::Never, "");
        let (a, c) = (find(&world, "a"), find(&world, "c"));
        let id = *world.groups.keys().next().unwrap();
        world.restart(c);
        if all {
            world.stop_all(Cause::Shutdown);
        } else {
            world.end_group(id);
        }
        assert_eq!(world.workers[&a].cancelled, None);
        world.restart(a);
        world.settle(false);
        assert_eq!(living(&world), "");
    }
}

#[test]
fn a_group_that_restarts_includes_members_already_restarting() {
    let mut world = three(Strategy::OneForAll, ALWAYS, AutoShutdown::Never, "");
    let [a, b, c] = ["a", "b", "c"].map(|name| find(&world, name));
    world.restart(b);
    exit(&mut world, "a", &failed());
    assert!(world.log.iter().any(|line| line == "a waits for its turn"), "{:?}", world.log);
    assert!(world.obey(b));
    assert_eq!(world.machine.next(b), Directive::Wait, "for its turn");
    assert_eq!(world.workers[&c].cancelled, Some(Cause::Dependency));
    // A worker that is restarted anyway is not cancelled out of its turn.
    world.settle(false);
    assert_eq!(started(&mut world), ["a", "b", "c"]);
    exit(&mut world, "a", &failed());
    world.restart(b);
    assert_eq!((world.workers[&b].cancelled, world.workers[&a].running), (None, false));
    world.settle(false);
    assert_eq!(started(&mut world), ["a", "b", "c"]);
}

#[test]
fn a_group_waits_for_its_backoff_and_forgets_one_that_no_member_waits_for() {
    let slow = |name| {
        let mut spec = spec(name, Restart::Always);
        spec.options.backoff = Backoff::new(if name == "b" { 20 * MS } else { 60 * MS }, 60 * MS);
        spec
    };
    let mut world = World::new();
    world.admit_group(group(Strategy::RestForOne), ["a", "b", "c"].map(slow).into()).unwrap();
    world.settle(false);
    let [a, b, c] = ["a", "b", "c"].map(|name| find(&world, name));
    let began = world.now();
    exit(&mut world, "b", &failed());
    assert!(world.obey(c));
    assert!(matches!(world.machine.next(b), Directive::Begin(Some(at)) if at >= began + 10 * MS));
    // It was about to start, and now must wait for one before it.
    exit(&mut world, "a", &failed());
    assert_eq!(world.machine.next(b), Directive::Wait);
    assert!(matches!(world.machine.next(a), Directive::Begin(Some(at)) if at >= began + 30 * MS));
    world.settle(false);
    assert_eq!(living(&world), "abc");
    // The first waiting worker is stopped: the next waits in its place.
    let began = world.now();
    exit(&mut world, "a", &failed());
    while world.obey(c) || world.obey(b) {}
    world.stop(a, Cause::Stopped);
    assert!(world.obey(a) && world.workers[&a].ended.is_some());
    assert!(matches!(world.machine.next(b), Directive::Begin(Some(at)) if at >= began + 30 * MS));
    world.settle(false);
    assert_eq!(living(&world), "bc");
    // `settle` checks that nothing is left over when the only waiting worker is stopped.
    let mut world = World::new();
    let members = vec![slow("a"), slow("b"), spec("c", Restart::Never)];
    world.admit_group(group(Strategy::RestForOne), members).unwrap();
    world.settle(false);
    exit(&mut world, "b", &failed());
    let b = find(&world, "b");
    world.stop(b, Cause::Stopped);
    world.settle(false);
    assert_eq!(living(&world), "a");
}

#[test]
fn a_group_tells_of_the_backoff_it_waits_for_and_any_of_its_members_cuts_it_short() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        for by in ["a", "b", "c"] {
            // Before the others have stopped, and after.
            for early in [false, true] {
                let slow = |name| {
                    let mut spec = spec(name, Restart::Always);
                    spec.options.backoff = Backoff::new(60 * MS, 60 * MS);
                    spec
                };
                let mut world = World::new();
                world.admit_group(group(strategy), ["a", "b", "c"].map(slow).into()).unwrap();
                world.settle(false);
                let before = world.log.len();
                let [a, b, c] = ["a", "b", "c"].map(|name| find(&world, name));
                let by = find(&world, by);
                let began = world.now();
                exit(&mut world, "a", &failed());
                if early {
                    world.restart(by);
                }
                while world.obey(c) || world.obey(b) {}
                let logged: Vec<_> =
                    world.log[before..].iter().filter(|line| line.contains("restarts in")).collect();
                if early {
                    assert!(logged.is_empty(), "{logged:?}");
                } else {
                    assert!(logged.len() == 1 && logged[0].starts_with("a restarts in"), "{logged:?}");
                    assert!(!world.obey(a), "it waits");
                    world.restart(by);
                }
                world.settle(false);
                assert_eq!((living(&world).as_str(), world.now()), ("abc", began), "{by}: nothing waited");
                world.end(false);
            }
        }
    }
}

/// Whatever a group was doing is over: its members also wait for workers outside it.
#[test]
fn a_group_takes_no_member_out_of_turn_during_a_shutdown() {
    for restarts in [false, true] {
        let kind = if restarts { Restart::Always } else { Restart::Never };
        let mut world = three(Strategy::OneForAll, [kind; 3], AutoShutdown::AnySignificant, "a");
        let mut outside = spec("outside", Restart::Never);
        outside.options.after.push(Name::from("b"));
        let outside = world.admit(outside, 3).unwrap();
        world.settle(false);
        let [b, c] = ["b", "c"].map(|name| find(&world, name));
        if restarts {
            exit(&mut world, "a", &failed());
            world.stop_all(Cause::Shutdown);
        } else {
            world.stop_all(Cause::Shutdown);
            exit(&mut world, "a", &Exit::Finished);
        }
        while world.workers[&c].ended.is_none() {
            assert!(world.obey(c));
        }
        assert_eq!((world.workers[&b].cancelled, world.workers[&outside].ended.as_ref()), (None, None));
        world.settle(false);
        assert_eq!(living(&world), "");
    }
}

#[test]
fn a_word_that_it_is_well_shortens_the_next_wait() {
    for well in [false, true] {
        let mut world = World::new();
        let mut slow = spec("a", Restart::Always);
        slow.options.backoff = Backoff::new(10 * MS, 80 * MS);
        let a = world.admit(slow, 3).unwrap();
        world.settle(false);
        for _ in 0..2 {
            exit(&mut world, "a", &failed());
            world.settle(false);
        }
        // Three ran: nothing is left of the first two.
        let says = if well { 3..=3 } else { 1..=2 };
        for generation in says {
            world.act(None, |machine, _| machine.healthy(a, generation), |_| ());
        }
        exit(&mut world, "a", &failed());
        let Directive::Begin(Some(at)) = world.machine.next(a) else { panic!("no wait") };
        assert_eq!(at - world.now() <= 10 * MS, well);
    }
}

#[test]
fn a_wait_longer_than_the_clock_is_a_long_wait() {
    let mut world = World::new();
    let mut slow = spec("a", Restart::Always);
    slow.options.backoff = Backoff::new(Duration::MAX, Duration::MAX);
    let a = world.admit(slow, 3).unwrap();
    world.settle(false);
    exit(&mut world, "a", &failed());
    let decade = Duration::from_secs(10 * 365 * 24 * 3600);
    assert!(matches!(world.machine.next(a), Directive::Begin(Some(at)) if at - world.now() > decade));
    world.restart(a);
    assert!(world.obey(a) && world.workers[&a].running);
}

#[test]
fn the_last_words_of_a_worker_that_ended_well_are_its_end() {
    let mut world = World::new();
    let a = world.admit(spec("a", Restart::Never), 3).unwrap();
    world.settle(false);
    world.stop(a, Cause::Stopped);
    world.exit(a, &Exit::Cancelled);
    world.act(Some(a), |machine, now| machine.left(a, Exit::Cancelled, Some(failed()), now), |_| ());
    assert_eq!(world.workers[&a].ended, Some(("failed: down".into(), Some(Cause::Stopped))));
    assert!(world.log.iter().any(|line| line == "a exited: failed: down"));
}

#[test]
fn a_circle_may_go_through_a_group_that_lives() {
    let after = |name, after: &'static str| {
        let mut spec = spec(name, Restart::Never);
        spec.options.after.push(Name::from(after));
        spec
    };
    let mut world = World::new();
    world.admit(spec("x", Restart::Never), 3).unwrap();
    let members = vec![after("a", "x"), spec("b", Restart::Never)];
    world.admit_group(group(Strategy::OneForOne), members).unwrap();
    // `a` comes after both workers of this name, this one after `b`, and `b` after `a`.
    assert!(matches!(world.admit(after("x", "b"), 3), Err(SpawnError::CircularAfter(_))));
    world.end(false);
}

#[test]
fn a_waiting_task_gets_a_place_in_turn_and_a_newer_one_of_a_key_in_the_turn_of_the_older() {
    let mut world = World::new();
    let [one, two, _old, other] = [None, None, Some(1), None].map(|key| world.admit_task(key).unwrap());
    world.settle(false);
    let new = world.admit_task(Some(1)).unwrap();
    world.settle(false);
    for (ends, next) in [(one, new), (two, other)] {
        world.exit(ends, &Exit::Finished);
        world.settle(false);
        assert!(world.workers[&next].running, "{next} has the next turn");
    }
    world.end(false);
}

#[test]
fn hundreds_are_stopped_in_steps_and_what_happens_in_between_holds() {
    let cancelled = |machine: &mut Machine| -> Vec<_> {
        let actions = machine.take_actions().into_iter();
        actions
            .filter_map(|action| if let Action::Cancel(id, _) = action { Some(id) } else { None })
            .collect()
    };
    for hurries in [false, true] {
        let mut world = World::new();
        let ids: Vec<_> = (0..600).map(|_| world.admit(spec("a", Restart::Always), 3).unwrap()).collect();
        world.settle(false);
        let now = world.now();
        let machine = &mut world.machine;
        machine.stop_all(Cause::Shutdown);
        let mut stopped = cancelled(machine);
        assert!(machine.stops_more() && stopped == ids[..stopped.len()], "the first, in their order");
        machine.ended(ids[0], Exit::Cancelled, None, now);
        // It fails before it is cancelled: no other run of it follows, and nothing cancels it any more.
        let last = ids[599];
        machine.exited(last, failed(), now);
        assert_eq!(machine.next(last), Directive::Leave);
        if hurries {
            machine.skip_order();
            assert!(!machine.stops_more());
        }
        while machine.stop_some() {}
        stopped.append(&mut cancelled(machine));
        assert_eq!(stopped, ids[..599]);
    }
}
