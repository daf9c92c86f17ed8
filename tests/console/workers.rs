//! Rows of workers, and recent ends.

use std::future::pending;

use control_panel::{
    Backoff, Context, Restart, Worker, WorkerStatus,
    console::{EndKind, FrameState, PanelState, WorkerKind, WorkerState},
    supervision::Intensity,
    testing,
};

use super::{Look, MS, Panel, S, Source, Update, frame, row};

#[test]
fn a_worker_that_is_not_heard_of_for_five_seconds_is_not_shown_as_running() {
    testing::paused(async |panel: &mut Panel| {
        let mut look = Look::at(panel);
        panel.spawn(Worker::new("silent", Source::Disk, |_| pending::<()>()));
        panel.spawn(Worker::new("talks", Source::Net, |cx: Context<Update>| async move {
            loop {
                tokio::time::sleep(S).await;
                cx.send(Update::Step).await.ok();
            }
        }));
        testing::settle().await;
        let view = look.view();
        assert_eq!(
            (row(&view, "silent").state, row(&view, "talks").state),
            (WorkerState::Running, WorkerState::Running)
        );
        assert_eq!(
            (row(&view, "silent").kind, row(&view, "silent").source.as_str()),
            (WorkerKind::Async, "Disk")
        );
        for _ in 0..7 {
            testing::advance(S).await;
            frame(panel);
            look.view();
        }
        let view = look.view();
        let silent = row(&view, "silent");
        assert_eq!((silent.state, silent.text.as_str()), (WorkerState::Quiet, "not heard of for 7 s"));
        assert_eq!((silent.sent, silent.since.as_secs(), silent.generation), (0, 7, 1));
        let talks = row(&view, "talks");
        assert_eq!((talks.state, talks.since.as_secs()), (WorkerState::Running, 7));
        assert!(talks.sent >= 6 && (0.9..1.1).contains(&talks.rate), "{talks:?}");
        assert!(talks.heard < S + 2 * MS, "{talks:?}");
        // Figures that grow old say nothing of now.
        let view = look.later(5 * S);
        assert_eq!((view.state, row(&view, "talks").state), (PanelState::Silent, WorkerState::Quiet));
        assert_eq!(view.frames.state, FrameState::Silent);
    });
}

#[test]
fn a_failure_is_shown_with_its_place_and_what_is_left_of_the_wait() {
    testing::paused(async |panel: &mut Panel| {
        let mut look = Look::at(panel);
        let place = format!("{}:{}:", file!(), line!() + 2);
        let bug =
            Worker::new("bug", Source::Disk, |_: Context<Update>| async { panic!("out of ink\nand paper") });
        let handle = panel.spawn(
            bug.restart(Restart::OnFailure)
                .backoff(Backoff::new(4 * S, 4 * S))
                .intensity(Intensity::new(3, 60 * S)),
        );
        let down =
            Worker::new("down", Source::Net, |_: Context<Update>| async { Err::<(), _>("no route to host") });
        panel.spawn(down.restart(Restart::OnFailure).backoff(Backoff::new(8 * S, 8 * S)));
        testing::advance(S).await;
        let view = look.view();
        let bug = row(&view, "bug");
        assert_eq!(
            (bug.state, bug.restarts, bug.restarts_allowed, bug.restarts_within),
            (WorkerState::Backoff, 1, Some(3), Some(60 * S))
        );
        let left = bug.backoff_left.expect("it waits");
        let WorkerStatus::Backoff { until, .. } = handle.status() else { panic!("it waits") };
        assert_eq!(left, until - look.last);
        assert!(left > S, "{left:?}");
        let panic = bug.last_panic.as_ref().expect("it panicked");
        assert!(panic.place.starts_with(&place), "{panic:?}, not {place}");
        assert_eq!(panic.message, "out of ink");
        assert!(panic.full.starts_with("out of ink\nand paper"), "{panic:?}");
        assert!(bug.text.starts_with(&format!("restarts in {left:.1?}: ")), "{}", bug.text);
        assert!(bug.text.contains(&format!("panicked at {place}")), "the place comes first: {}", bug.text);
        let down = row(&view, "down");
        assert_eq!((down.last_error.as_deref(), &down.last_panic), (Some("failed: no route to host"), &None));
        assert_eq!((down.restarts, down.restarts_allowed), (0, Some(5)), "errors do not count by default");
        assert_eq!((view.ends.len(), view.incidents), (2, 2));
        // Three restarts, and then it stays down.
        testing::advance(30 * S).await;
        let view = look.view();
        assert!(view.workers.iter().all(|worker| worker.name != "bug"));
        let bugs: Vec<_> =
            view.ends.iter().filter(|end| end.name == "bug").map(|end| (end.kind, end.generation)).collect();
        let panicked = (1..=4).rev().map(|run| (EndKind::Panicked, run));
        assert_eq!(bugs, [(EndKind::GaveUp, 4)].into_iter().chain(panicked).collect::<Vec<_>>());
        let last = view.ends.iter().find(|end| end.name == "bug").expect("it ended");
        assert!(
            (14 * S..25 * S).contains(&last.ago),
            "when it was logged, not when it was read: {:?}",
            last.ago
        );
    });
}

#[test]
fn a_panel_that_is_gone_is_shown_as_gone() {
    testing::paused(async |panel: &mut Panel| {
        let mut other = Panel::builder().runtime(panel.runtime().clone()).name("other").build();
        let mut look = Look::at(&other);
        other.spawn(Worker::thread("stays", Source::Disk, |_: Context<Update>| {
            std::thread::sleep(S / 5);
        }));
        frame(&mut other);
        let view = look.view();
        assert_eq!(
            (view.state, view.panel.as_str(), view.frames.state),
            (PanelState::Live, "other", FrameState::Running)
        );
        assert!(!look.observer.is_gone());
        let spawner = other.spawner();
        drop(other);
        assert!(look.observer.is_gone());
        let view = look.view();
        assert_eq!((view.state, view.frames.state), (PanelState::Gone, FrameState::Gone));
        assert!(view.workers.iter().all(|worker| worker.state == WorkerState::Gone), "{view:#?}");
        // A spawner may outlive the panel; the observer outlives both.
        drop(spawner);
        let view = look.view();
        assert_eq!((view.state, view.frames.count), (PanelState::Gone, 1));
    });
}

#[test]
fn an_observer_keeps_nothing_alive_and_goes_anywhere() {
    fn everywhere<T: Clone + Send + Sync + 'static>(_: &T) {}
    struct Dropped(std::sync::mpsc::Sender<()>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.send(()).ok();
        }
    }
    let (tells, hears) = std::sync::mpsc::channel();
    let panel = Panel::new();
    let observer = panel.observer();
    everywhere(&observer);
    let dropped = Dropped(tells);
    panel.spawn(Worker::once("holds", Source::Ui, move |_| async move {
        let _dropped = dropped;
        pending::<()>().await;
    }));
    drop(panel);
    hears.recv_timeout(10 * S).expect("the worker is dropped though there is an observer");
    assert!(observer.is_gone());
}

#[test]
fn workers_of_one_group_are_shown_as_such() {
    testing::paused(async |panel: &mut Panel| {
        let mut look = Look::at(panel);
        let stays = |name: &'static str| {
            Worker::new(name, Source::Disk, |cx: Context<Update>| async move { cx.cancelled().await })
        };
        panel.spawn(stays("alone"));
        for _ in 0..2 {
            let group = panel.group();
            group.spawn(stays("store"));
            group.spawn(stays("feed"));
            group.start().unwrap();
        }
        testing::settle().await;
        let view = look.view();
        let groups: Vec<_> = view.workers.iter().map(|worker| worker.group).collect();
        let [alone, one, same, two, also] = groups[..] else { panic!("{groups:?}") };
        assert!(alone.is_none() && one.is_some() && two.is_some());
        assert!(one == same && two == also && one != two, "{groups:?}");
    });
}
