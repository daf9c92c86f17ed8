use control_panel::testing::World;

use crate::table::{Machines, edit};

/// For numbers, run the world and read its report.
#[test]
fn a_report_has_what_happened() {
    let world =
        World { seed: 5, peers: 4, frames: 200, delay: 10, partitions: 2, crashes: 2, ..World::default() };
    let report = world.run(Machines::default, |builder| builder, edit);
    assert!(report.commits > 100 && report.concurrent > 100 && report.late > 100, "{report:?}");
    assert_eq!(report.log.len() as u64, report.commits - report.unstored);
    assert!(report.log.is_sorted_by_key(|(stamp, _)| *stamp));
    let (redone, undone) = (&report.redone, &report.undone);
    assert_eq!((redone.count() as u64, undone.count() as u64), (report.rollbacks, report.rollbacks));
    assert!(0 < redone.percentile(50) && redone.percentile(50) <= redone.percentile(99));
    assert!(redone.percentile(99) <= redone.max());
    assert_eq!((report.partitions, report.crashes), (2, 2));
    assert!(report.lost > 0 && report.duplicates > 0 && report.cut > 0 && report.repairs > 0);
    assert!(report.sessions > 12 && report.stalls + report.stalled + report.breaches == 0);
}

/// What `edit` draws from its generator changes its own operation and nothing else.
#[test]
fn the_network_does_not_depend_on_what_an_edit_draws() {
    let world = World { seed: 9, ..World::default() };
    let report = |draws: u64| {
        let report = world.run(
            Machines::default,
            |builder| builder,
            |rng, peer, state| {
                let turn = edit(&mut rng.clone(), peer, state);
                (0..draws).for_each(|_| _ = rng.next_u64());
                turn
            },
        );
        (report.trace, report.log)
    };
    assert_eq!(report(0), report(100));
}
