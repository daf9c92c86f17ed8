//! The queue: what each source and each worker has of it.

use control_panel::{
    Context, TrySendError, Worker,
    console::{FrameState, SourceRow, View},
    testing,
};

use super::{Look, MS, Panel, S, Source, Update, frame, row};

fn source<'a>(view: &'a View, name: &str) -> &'a SourceRow {
    view.queue
        .sources
        .iter()
        .find(|source| source.source == name)
        .unwrap_or_else(|| panic!("no {name} in {view:#?}"))
}

#[test]
fn the_queue_shows_who_has_it_who_waits_and_what_was_lost() {
    testing::paused_with(Panel::builder().capacity(8), async |panel: &mut Panel| {
        let mut look = Look::at(panel);
        panel.spawn(Worker::new("flood", Source::Net, |cx: Context<Update>| async move {
            for _ in 0..100 {
                cx.send(Update::Step).await.ok();
            }
            std::future::pending::<()>().await;
        }));
        panel.spawn(Worker::new("hints", Source::Disk, |cx: Context<Update>| async move {
            for _ in 0..10 {
                cx.send(Update::Hint).await.ok();
            }
            for _ in 0..3 {
                assert!(matches!(cx.try_send(Update::Step), Err(TrySendError::Full(_))));
            }
            std::future::pending::<()>().await;
        }));
        testing::settle().await;
        testing::advance(2 * S).await;
        let view = look.view();
        assert_eq!((view.queue.capacity, view.queue.waiting), (8, 1));
        assert!((6..=8).contains(&view.queue.depth), "{:?}", view.queue);
        assert!(
            (2 * S..2 * S + 9 * MS).contains(&view.queue.oldest.expect("there are some")),
            "{:?}",
            view.queue
        );
        let (net, disk) = (source(&view, "Net"), source(&view, "Disk"));
        assert_eq!((net.waiting, disk.waiting), (1, 0));
        assert!(net.blocked >= 2 * S && disk.blocked.is_zero(), "{net:?} {disk:?}");
        assert!(disk.dropped + disk.accepted >= 10 && disk.dropped > 0, "{disk:?}");
        assert_eq!((disk.refused, net.refused, net.dropped), (3, 0, 0));
        let (flood, hints) = (row(&view, "flood"), row(&view, "hints"));
        assert_eq!((flood.waiting, hints.waiting, hints.refused, hints.dropped), (1, 0, 3, disk.dropped));
        assert!(flood.blocked >= 2 * S);
        while panel.queued() > 0 {
            frame(panel);
            testing::settle().await;
        }
        let view = look.view();
        assert_eq!((row(&view, "flood").sent, source(&view, "Net").accepted), (100, 100));
        assert_eq!((view.queue.depth, view.queue.waiting, view.queue.oldest), (0, 0, None));
        assert_eq!(view.queue.accepted, view.queue.drained);
        let blocked = row(&view, "flood").blocked;
        testing::advance(3 * S).await;
        assert_eq!(row(&look.view(), "flood").blocked, blocked, "it waits no longer");
    });
}

#[test]
fn what_a_source_sent_is_its_senders_and_those_that_are_gone() {
    testing::paused(async |panel: &mut Panel| {
        let mut look = Look::at(panel);
        let stays = panel.sender(Source::Ui);
        for _ in 0..3 {
            let one = panel.sender(Source::Ui);
            (0..10).for_each(|_| one.try_send(Update::Step).unwrap());
        }
        frame(panel);
        let view = look.view();
        assert_eq!((source(&view, "Ui").accepted, view.frames.applied), (30, 30));
        drop(stays);
    });
}

#[test]
fn frames_are_measured_and_a_loop_that_does_not_run_is_shown() {
    testing::paused(async |panel: &mut Panel| {
        let mut look = Look::at(panel);
        assert_eq!(look.view().frames.state, FrameState::NoneYet);
        let ui = panel.sender(Source::Ui);
        for number in 0..100 {
            (0..number % 4).for_each(|_| ui.try_send(Update::Step).unwrap());
            frame(panel);
        }
        let view = look.view();
        assert_eq!(
            (view.frames.state, view.frames.count, view.frames.measured),
            (FrameState::Running, 100, 100)
        );
        assert_eq!((view.frames.intents_p50, view.frames.intents_p99, view.frames.applied), (1, 3, 150));
        testing::advance(6 * S).await;
        let view = look.view();
        assert_eq!(
            (view.frames.state, view.frames.last.map(|last| last.as_secs())),
            (FrameState::Silent, Some(6))
        );
        ui.try_send(Update::Step).unwrap();
        assert_eq!(look.view().frames.state, FrameState::Stalled, "something waits for it");
        drop(panel.drain());
        assert_eq!(look.view().frames.state, FrameState::Running, "a drain by hand is a frame");
        // A point a second at most, from the first look on.
        let history = look.console.history();
        assert_eq!(history.points.len(), 1);
        assert_eq!(
            (history.sources.as_slice(), history.points[0].intents.len()),
            (&["Ui".to_owned()][..], 1)
        );
        assert!((15.0..26.0).contains(&history.points[0].intents[0]), "150 in 6 s: {history:?}");
    });
}
