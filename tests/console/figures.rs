//! What figures are of: the last ten seconds, the last step, what is within the limits.

use control_panel::{Backoff, Context, Restart, Worker, console::WorkerState, testing};

use super::{Look, MS, Panel, S, Source, Update, frame, limited};

#[test]
fn quantiles_are_of_the_frames_of_ten_seconds_and_of_1024_at_most() {
    testing::paused(async |panel: &mut Panel| {
        let mut look = Look::at(panel);
        let ui = panel.sender(Source::Ui);
        // One frame of a hundred has more: 99 of them have no more than the others.
        for number in 0..100 {
            (0..if number == 50 { 9 } else { 2 }).for_each(|_| ui.try_send(Update::Step).unwrap());
            frame(panel);
        }
        let view = look.view();
        assert_eq!((view.frames.measured, view.frames.intents_p50, view.frames.intents_p99), (100, 2, 2));
        ui.try_send(Update::Step).unwrap();
        (0..2).for_each(|_| frame(panel));
        assert!(look.view().frames.total.p99 <= look.view().frames.total.max);
        testing::advance(11 * S).await;
        assert_eq!(look.view().frames.measured, 0, "they are too old");
        for _ in 0..4 {
            (0..600).for_each(|_| frame(panel));
            look.view();
        }
        assert_eq!((look.view().frames.measured, look.view().frames.count), (1024, 2502));
    });
}

#[test]
fn a_rate_is_of_the_last_step_and_nothing_that_is_gone_has_one() {
    testing::paused(async |panel: &mut Panel| {
        let mut other = Panel::builder().runtime(panel.runtime().clone()).capacity(512).build();
        let mut look = Look::at(&other);
        let ui = other.sender(Source::Ui);
        for sent in [100, 300, 0, 50] {
            look.view();
            (0..sent).for_each(|_| ui.try_send(Update::Step).unwrap());
            frame(&mut other);
            testing::advance(S).await;
            let view = look.view();
            let expected = f64::from(sent);
            for rate in [view.queue.rate, view.queue.sources[0].rate] {
                assert!((rate - expected).abs() <= expected / 50.0, "{rate}, not {expected}");
            }
            assert!((0.9..1.1).contains(&view.frames.rate), "{}", view.frames.rate);
        }
        ui.try_send(Update::Step).unwrap();
        testing::advance(S).await;
        let oldest = look.view().queue.oldest.expect("one is queued");
        assert_eq!(look.later(S).queue.oldest, Some(oldest + S));
        drop(other);
        let view = look.view();
        assert!(view.queue.rate.abs() < f64::EPSILON, "{}", view.queue.rate);
        assert_eq!(view.queue.oldest, Some(oldest));
        let later = look.later(60 * S).queue.oldest;
        assert_eq!(later, Some(oldest), "what is not known any more grows no older");
    });
}

#[test]
fn the_history_has_so_many_points_and_no_more() {
    testing::paused(async |panel: &mut Panel| {
        let (observer, mut console) = (panel.observer(), limited(|limits| limits.points = 5));
        for _ in 0..20 {
            console.refresh(&observer);
            testing::advance(S).await;
        }
        console.refresh(&observer);
        let points: Vec<_> = console.history().points.iter().map(|point| point.at.as_secs()).collect();
        assert_eq!(points, [16, 17, 18, 19, 20], "the newest");
    });
}

#[test]
fn of_too_many_workers_those_in_trouble_are_shown() {
    testing::paused(async |panel: &mut Panel| {
        let (observer, mut console) = (panel.observer(), limited(|limits| limits.workers = 3));
        for _ in 0..9 {
            panel.spawn(Worker::new("stays", Source::Disk, |cx: Context<Update>| async move {
                cx.cancelled().await;
            }));
        }
        let bug = Worker::new("bug", Source::Disk, |_: Context<Update>| async { panic!("out of ink") });
        panel.spawn(bug.restart(Restart::OnFailure).backoff(Backoff::new(60 * S, 60 * S)));
        testing::advance(MS).await;
        let view = console.refresh(&observer);
        let names: Vec<_> = view.workers.iter().map(|worker| worker.name.as_str()).collect();
        assert_eq!(names, ["stays", "stays", "bug"], "in the order of their spawns");
        assert_eq!(view.workers[2].state, WorkerState::Backoff);
    });
}

#[test]
fn the_end_of_a_worker_is_not_shown_beside_that_of_its_run() {
    testing::paused(async |panel: &mut Panel| {
        let mut look = Look::at(panel);
        panel.spawn(Worker::once("ends", Source::Disk, |_: Context<Update>| async {}));
        testing::settle().await;
        assert_eq!(look.view().ends.len(), 1);
        let long = panel.spawn(Worker::new("stays", Source::Disk, |cx: Context<Update>| async move {
            cx.cancelled().await;
        }));
        testing::advance(9 * S).await;
        long.suspend();
        testing::settle().await;
        assert_eq!(look.view().workers[0].state, WorkerState::Suspended, "it is not quiet, it is held");
    });
}

#[test]
fn a_worker_that_was_quiet_before_the_first_look_is_quiet() {
    testing::paused(async |panel: &mut Panel| {
        panel.spawn(Worker::new("silent", Source::Disk, |_| std::future::pending::<()>()));
        testing::settle().await;
        testing::advance(8 * S).await;
        let view = Look::at(panel).view();
        assert_eq!((view.workers[0].state, view.workers[0].heard.as_secs()), (WorkerState::Quiet, 8));
    });
}
