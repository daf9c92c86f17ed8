//! Workers that are refused because what they ask for could never happen.

use control_panel::{
    Context, Restart, Worker, WorkerStatus,
    supervision::{Escalate, OnStuck, SpawnError},
};
use tests::{Mark, offenders::good, paused};

use super::{PROMISE, Panel};

#[test]
fn a_worker_that_runs_once_cannot_be_restarted_when_it_is_stuck() {
    paused(async || {
        let panel = Panel::new();
        let once = Worker::once("once", 0, async |_: Context<Mark>| {});
        let handle = panel.spawn(once.on_stuck(OnStuck::Restart));
        assert!(matches!(handle.status(), WorkerStatus::Refused(SpawnError::RunsOnce)));
    });
}

/// `OnStuck::Restart` restarts a worker whatever `restart` says, so such a worker may escalate; one that is never restarted
/// cannot.
#[test]
fn a_worker_that_is_never_restarted_is_refused_where_it_is_to_escalate() {
    paused(async || {
        let panel = Panel::new();
        let escalates = || good("escalates").escalate(Escalate::Panel);
        let refused = panel.spawn(escalates());
        let WorkerStatus::Refused(refusal) = refused.status() else { panic!("{}", refused.status()) };
        assert_eq!(refusal, SpawnError::EscalatesNever);
        assert!(refusal.to_string().contains("give it `.restart(…)`"), "{refusal}");
        let stuck = escalates().heartbeat(PROMISE).on_stuck(OnStuck::Restart);
        for good in [stuck, escalates().restart(Restart::OnFailure)] {
            assert!(!panel.spawn(good).status().is_final());
        }
    });
}

/// In a group the group's word counts, and one that is restarted is enough: its failures are the group's.
#[test]
fn a_group_that_escalates_and_restarts_none_of_its_workers_is_refused() {
    paused(async || {
        let panel = Panel::new();
        let group = || panel.group().escalate(Escalate::Panel);
        let never = || good("never").escalate(Escalate::Panel);
        let refused = group();
        let workers = [refused.spawn(good("never")), refused.spawn(never())];
        assert_eq!(refused.start().unwrap_err(), SpawnError::EscalatesNever);
        for worker in workers {
            assert!(
                matches!(worker.status(), WorkerStatus::Refused(SpawnError::EscalatesNever)),
                "{worker:?}"
            );
        }
        assert_eq!(panel.worker_count(), 0, "all or none");
        let stuck = good("stuck").heartbeat(PROMISE).on_stuck(OnStuck::Restart);
        for other in [stuck, good("restarted").restart(Restart::OnFailure)] {
            let group = group();
            let workers = [group.spawn(never()), group.spawn(other), group.spawn(never())];
            group.start().unwrap();
            assert!(workers.iter().all(|worker| !worker.status().is_final()), "{workers:?}");
        }
        // One that is not to escalate has nothing that would never come; an empty one neither starts nor fails.
        let group = panel.group();
        group.spawn(never());
        group.start().unwrap();
        panel.group().escalate(Escalate::Panel).start().unwrap();
    });
}
