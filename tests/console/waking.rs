//! How a view is woken.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use control_panel::{
    Worker,
    console::Cursor,
    context::{Raced, race},
    testing,
};

use super::{Look, Panel, S, Source, frame};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_view_is_woken_by_a_frame_an_event_and_the_end_and_by_nothing_else() {
    testing::paused(async |panel: &mut Panel| {
        let mut other = Panel::builder().runtime(panel.runtime().clone()).build();
        let mut look = Look::at(&other);
        frame(&mut other);
        look.view();
        let changed = async |look: &Look| {
            let waits = look.observer.changed(look.console.cursor());
            matches!(race(waits, tokio::time::sleep(60 * S)).await, Raced::First(()))
        };
        assert!(!changed(&look).await, "nothing happens, no waiter is woken");
        other.spawn(Worker::new("it", Source::Disk, |_| pending::<()>()));
        assert!(changed(&look).await);
        testing::settle().await;
        look.view();
        assert!(!changed(&look).await);
        frame(&mut other);
        assert!(look.observer.has_changed(look.console.cursor()) && changed(&look).await);
        look.view();
        drop(other);
        testing::settle().await;
        look.view();
        assert!(!changed(&look).await, "it is gone, and was seen to be");
    });
}

#[test]
fn a_waker_is_woken_once_whatever_the_load() {
    let mut panel = Panel::new();
    let observer = panel.observer();
    let wakes = Arc::new(Wakes::default());
    let to_wake = Waker::from(Arc::clone(&wakes));
    let cx = Context::from_waker(&to_wake);
    frame(&mut panel);
    let snapshot = observer.snapshot(Cursor::default());
    assert_eq!(
        observer.poll_changed(&cx, Cursor::default()),
        Poll::Ready(()),
        "there is something new already"
    );
    assert_eq!(observer.poll_changed(&cx, snapshot.cursor()), Poll::Pending);
    assert_eq!(observer.poll_changed(&cx, snapshot.cursor()), Poll::Pending);
    (0..100).for_each(|_| frame(&mut panel));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "it asks again when it wants to be woken again");
    assert_eq!(observer.poll_changed(&cx, observer.snapshot(snapshot.cursor()).cursor()), Poll::Pending);
    drop(panel);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
}
