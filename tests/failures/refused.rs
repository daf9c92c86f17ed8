//! A worker that is refused is seen also where its handle is ignored.

use std::time::Duration;

use control_panel::{
    Context, ControlPanel, Exit, Restart, Worker,
    events::{EventKind, Notice},
    supervision::{Escalate, SpawnError, Verdict},
};
use tests::{Mark, paused, watched};

type Panel = ControlPanel<Mark>;
type Make = fn(&Panel);

const WAITS: Duration = Duration::from_secs(3600);

fn waits() -> Worker<Mark> {
    Worker::new("it", 0, async |cx: Context<Mark>| cx.cancelled().await)
}

fn once() -> Worker<Mark> {
    Worker::once("it", 0, async |_| ()).restart(Restart::OnFailure)
}

/// What spawns a worker that is refused, and why it is.
fn mistakes() -> [(Make, SpawnError); 5] {
    [
        (|panel| drop(panel.spawn(waits().after("none"))), SpawnError::UnknownAfter("none".into())),
        (|panel| drop(panel.spawn(once())), SpawnError::RunsOnce),
        (|panel| drop(panel.spawn(waits().escalate(Escalate::Panel))), SpawnError::EscalatesNever),
        (
            |panel| {
                let group = panel.group();
                group.spawn(waits().after("it"));
                group.start().unwrap_err();
            },
            SpawnError::CircularAfter("it".into()),
        ),
        (|panel| drop(panel.group().spawn(waits())), SpawnError::GroupNotStarted),
    ]
}

#[test]
fn a_refusal_is_an_event_an_incident_and_a_failure() {
    paused(async || {
        for (make, refusal) in mistakes() {
            let panel = Panel::new();
            let mut events = panel.events();
            make(&panel);
            let Some(Notice::Event(event)) = events.try_next() else { panic!("no event: {refusal}") };
            assert_eq!((event.name.as_str(), event.generation), ("it", 0));
            assert!(matches!(&event.kind, EventKind::Refused(why) if *why == refusal), "{event}");
            assert!(events.try_next().is_none());
            let status = panel.status();
            assert_eq!((status.incident_count, status.incidents.len(), status.events), (1, 1, 1));
            assert!(status.to_string().contains("last: it refused: "), "{status}");
            let report = panel.shutdown().await;
            assert!(
                matches!(report.incidents().next().map(|it| &it.exit), Some(Exit::Refused(why)) if *why == refusal)
            );
            assert_eq!((report.is_clean(), report.verdict()), (false, Verdict::Failed), "{report}");
        }
    });
}

#[test]
fn a_refusal_wakes_a_sleeping_loop_and_reaches_the_reducer() {
    watched(|| {
        for (make, refusal) in mistakes() {
            let mut panel = Panel::builder().forward_events(9, |_| Some(Mark::new(1))).build();
            make(&panel);
            assert!(panel.wait_ready_timeout(WAITS), "{refusal}");
            assert_eq!(panel.drain().count(), 1);
            let mut panel = Panel::new();
            make(&panel);
            assert!(panel.wait_ready_timeout(WAITS), "{refusal}");
            drop(panel.drain());
        }
    });
}

#[test]
fn a_full_backlog_is_an_incident_and_no_failure() {
    paused(async || {
        let panel = Panel::new();
        let mut events = panel.events();
        panel.spawn(Worker::new("fails", 0, async |_| Err::<(), _>("down"))).ended().await;
        let tasks = panel.tasks().limit(1).backlog(0);
        for _ in 0..100 {
            tasks.spawn(waits());
        }
        let refused = |notice: &Notice| matches!(notice, Notice::Event(event) if matches!(event.kind, EventKind::Refused(SpawnError::Backlog)));
        assert_eq!(std::iter::from_fn(|| events.try_next()).filter(refused).count(), 99);
        let status = panel.status();
        assert_eq!((status.incident_count, status.incidents.len()), (100, 2), "of one name the last");
        assert_eq!(panel.shutdown().await.incident_count(), 100);
        let panel = Panel::new();
        let tasks = panel.tasks().limit(1).backlog(0);
        drop([waits(), waits()].map(|task| tasks.spawn(task)));
        let report = panel.shutdown().await;
        assert_eq!((report.is_clean(), report.verdict()), (false, Verdict::Recovered), "{report}");
    });
}

#[test]
fn what_a_panel_refuses_because_it_shuts_down_is_no_event() {
    paused(async || {
        let panel = Panel::new();
        let group = panel.group();
        group.spawn(waits());
        panel.request_shutdown();
        let mut events = panel.events();
        panel.spawn(waits());
        panel.spawn(once());
        drop(group);
        assert!(events.try_next().is_none());
        assert!(panel.shutdown().await.is_clean());
    });
}
