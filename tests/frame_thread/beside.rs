//! What is done beside the frames allocates nothing either: signals, looks at the status; and setting the policy waits for nothing.

use control_panel::{ControlPanel, PolicyWatch, Worker};
use tests::{Mark, Wakes, paused};

use super::{Panel, allocations};

/// What a subscriber announces nothing for, a publisher pays nothing for: in no number, whether they keep up, lag, or look
/// at nothing.
#[test]
fn announcing_allocates_nothing_however_many_listen() {
    for subscribers in [0, 1, 64] {
        let panel = Panel::new();
        let bus = panel.bus::<u64>(0);
        let mut views: Vec<_> = (0..subscribers).map(|_| panel.subscribe::<u64>()).collect();
        bus.publish(0);
        let published = allocations(|| (1..1_000).for_each(|id| bus.publish(id)));
        assert_eq!(published, 0, "{subscribers} that lag");
        for view in &mut views {
            let read = allocations(|| view.drain().for_each(drop));
            assert_eq!(read, 0, "what it reads");
        }
        let frame = allocations(|| {
            for id in 0..200 {
                bus.publish(id);
                for view in &mut views {
                    assert_eq!(view.drain().count(), 1);
                }
            }
        });
        assert_eq!(frame, 0, "{subscribers} that keep up");
        assert_eq!(allocations(|| assert_eq!(panel.status().signals.published, 1_200)), 0);
    }
}

#[test]
fn announcing_to_subscribers_that_await_allocates_nothing() {
    let panel = Panel::new();
    let bus = panel.bus::<u64>(0);
    let wakes = Wakes::new();
    let mut awaiting: Vec<_> = (0..64).map(|_| panel.subscribe::<u64>()).collect();
    for round in 0..50 {
        let mut waits: Vec<_> =
            awaiting.iter_mut().map(|subscription| Box::pin(subscription.recv())).collect();
        for wait in &mut waits {
            assert!(wakes.poll(wait.as_mut()).is_pending());
        }
        assert_eq!(allocations(|| bus.publish(round)), 0);
        assert_eq!(wakes.take(), 64);
        for wait in &mut waits {
            assert!(wakes.poll(wait.as_mut()).is_ready());
        }
    }
}

#[test]
fn setting_the_policy_never_waits_for_its_readers() {
    paused(async || {
        let panel = ControlPanel::<Mark, String>::builder().policy("old".into()).build();
        let mut watch: PolicyWatch<String> = panel.context(0).policy();
        let held = watch.borrow_and_update();
        panel.set_policy("new".into());
        watch.changed().await.unwrap();
        assert_eq!((held.as_str(), watch.borrow_and_update().as_str()), ("old", "new"));
        assert_eq!(panel.policy().as_str(), "new");
        // A change that a cancelled call would have returned is returned by the next.
        assert!(Wakes::new().poll(std::pin::pin!(watch.changed())).is_pending());
        panel.set_policy("newer".into());
        watch.changed().await.unwrap();
        drop(panel);
        watch.changed().await.unwrap_err();
        assert_eq!(watch.borrow().as_str(), "newer");
    });
}

#[test]
fn looking_at_the_status_allocates_nothing_where_nothing_changed_and_nothing_is_kept() {
    paused(async || {
        let panel = Panel::new();
        for _ in 0..100 {
            panel.spawn(Worker::new("idle", 0, |_| std::future::pending::<()>()));
        }
        tokio::task::yield_now().await;
        let kept = panel.status();
        assert_eq!(kept.workers.len(), 100);
        assert_eq!(allocations(|| drop(panel.status())), 0);
        assert_eq!(allocations(|| assert_eq!(panel.status().events, kept.events)), 0);
        drop(kept);
        for warm in [true, true, false] {
            panel.workers()[0].stop();
            tokio::task::yield_now().await;
            let taken = allocations(|| assert!(panel.status().workers.len() < 100));
            assert!(warm || taken == 0, "in place: {taken}");
        }
    });
}
