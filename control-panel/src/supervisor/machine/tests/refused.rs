//! What is refused, and for which reason.

use super::{
    super::GroupSpec,
    cases::living,
    harness::{World, group, spec},
};
use crate::{
    lifecycle::{Escalate, OnStuck, Restart, SpawnError, Strategy},
    util::Name,
};

#[test]
fn an_impossible_spec_is_refused_and_the_culprit_named() {
    let with = |name, after: &[&'static str]| {
        let mut spec = spec(name, Restart::Never);
        spec.options.after = after.iter().copied().map(Name::from).collect();
        spec
    };
    let mut world = World::new();
    world.admit(with("store", &[]), 3).unwrap();
    let unknown = SpawnError::UnknownAfter(Name::from("missing"));
    assert_eq!(world.admit(with("feed", &["store", "missing"]), 3), Err(unknown.clone()));
    assert_eq!(
        world.admit(with("itself", &["itself"]), 3),
        Err(SpawnError::CircularAfter(Name::from("itself")))
    );
    // What the cycle comes after is not part of it.
    let circle = vec![with("z", &["y", "store"]), with("y", &["z"])];
    let refused = world.admit_group(group(Strategy::OneForOne), circle).unwrap_err();
    assert!(matches!(&refused, SpawnError::CircularAfter(name) if *name != *"store"), "{refused}");
    // In a group each comes after the one before.
    let backwards = vec![with("a", &["b"]), with("b", &[])];
    assert!(matches!(
        world.admit_group(group(Strategy::OneForOne), backwards),
        Err(SpawnError::CircularAfter(_))
    ));
    assert_eq!(living(&world), "store", "all or none");
    let mut once = with("once", &[]);
    (once.options.repeatable, once.options.restart) = (false, Restart::Always);
    assert_eq!(world.admit(once.clone(), 3), Err(SpawnError::RunsOnce));
    assert_eq!(
        world.admit_group(group(Strategy::OneForOne), vec![with("a", &[]), once]),
        Err(SpawnError::RunsOnce)
    );
    world.end(false);
    assert_eq!(world.admit(with("late", &[]), 3), Err(SpawnError::ShutDown));
    assert_eq!(world.admit_group(group(Strategy::OneForOne), Vec::new()), Err(SpawnError::ShutDown));
}

#[test]
fn an_escalation_that_can_never_happen_is_refused_alone_and_as_a_group() {
    let mut world = World::new();
    // A worker that is never restarted never fails too often; it can be stuck often enough, though, and in a group the
    // group decides.
    let escalates = |restart, on_stuck| {
        let mut spec = spec("escalates", restart);
        (spec.options.escalate, spec.options.on_stuck) = (Escalate::Panel, on_stuck);
        spec
    };
    assert_eq!(world.admit(escalates(Restart::Never, OnStuck::Warn), 3), Err(SpawnError::EscalatesNever));
    assert_eq!(world.admit(escalates(Restart::Never, OnStuck::Escalate), 3), Err(SpawnError::EscalatesNever));
    assert!(world.admit(escalates(Restart::Never, OnStuck::Restart), 3).is_ok());
    assert!(world.admit(escalates(Restart::OnFailure, OnStuck::Warn), 3).is_ok());
    let together = || group(Strategy::OneForOne);
    let never = escalates(Restart::Never, OnStuck::Escalate);
    assert!(world.admit_group(together(), vec![never.clone()]).is_ok());
    let panel = GroupSpec { escalate: Escalate::Panel, ..together() };
    assert_eq!(world.admit_group(panel, vec![never.clone(), never.clone()]), Err(SpawnError::EscalatesNever));
    assert!(world.admit_group(panel, Vec::new()).is_ok());
    for mut other in [spec("stuck", Restart::Never), spec("restarted", Restart::OnFailure)] {
        other.options.on_stuck = if *other.name == *"stuck" { OnStuck::Restart } else { OnStuck::Warn };
        assert!(world.admit_group(panel, vec![never.clone(), other]).is_ok());
    }
    world.end(false);
}
