//! One command to all instances of a worker.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use control_panel::{
    Context, Worker, WorkerHandle,
    requests::{Broadcast, CommandError},
};
use tests::{Mark, paused};
use tokio::task::yield_now;

use super::Panel;

/// Counts its clones.
struct Order(Arc<AtomicUsize>);

impl Clone for Order {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&self.0))
    }
}

/// Says which of them it is for each order.
fn follower(name: &'static str, capacity: usize) -> Worker<Mark, (), Order> {
    let worker = Worker::new(name, 0, |cx: Context<Mark>| async move {
        let mut inbox = cx.inbox::<Order>();
        while inbox.recv().await.is_some() {
            cx.send(Mark::new(0)).await.ok();
        }
    });
    worker.inbox::<Order>().inbox_capacity(capacity)
}

fn origins<C>(workers: &[WorkerHandle<C>]) -> Vec<control_panel::intent::Origin> {
    workers.iter().map(WorkerHandle::origin).collect()
}

#[test]
fn every_instance_gets_the_command_and_no_other_worker_does() {
    paused(async || {
        let mut panel = Panel::new();
        let all: Vec<_> = (0..3).map(|_| panel.spawn(follower("follow", 8))).collect();
        panel.spawn(follower("other", 8));
        let clones = Arc::new(AtomicUsize::new(0));
        let sent: Broadcast<Order> = panel.spawner().broadcast_command("follow", Order(Arc::clone(&clones)));
        assert!(sent.is_complete(), "{sent:?}");
        assert_eq!(origins(&sent.accepted), origins(&all), "in the order of their spawning");
        assert_eq!(clones.load(Ordering::SeqCst), 2, "the last gets the command itself");
        yield_now().await;
        let mut frame: Vec<_> = panel.drain().map(|queued| queued.causality_order().origin).collect();
        frame.sort_unstable();
        assert_eq!(frame, origins(&all));
        assert!(panel.broadcast_command("missing", Order(clones)).is_complete());
    });
}

#[test]
fn what_is_refused_comes_back_and_a_worker_of_another_type_is_named() {
    paused(async || {
        let panel = Panel::new();
        let (small, large) = (panel.spawn(follower("follow", 1)), panel.spawn(follower("follow", 8)));
        let deaf = panel.spawn(Worker::new("follow", 0, |_| std::future::pending::<()>()));
        let other = Worker::new("follow", 0, |_| std::future::pending::<()>()).inbox::<u8>();
        let other = panel.spawn(other);
        let gone = panel.spawn(follower("follow", 8));
        gone.stop();
        gone.ended().await;
        let clones = Arc::new(AtomicUsize::new(0));
        small.send(Order(Arc::clone(&clones))).unwrap();
        // Nothing ran since: its inbox is full.
        small.send(Order(Arc::clone(&clones))).unwrap_err();
        let sent = panel.broadcast_command("follow", Order(Arc::clone(&clones)));
        assert!(!sent.is_complete());
        assert_eq!(origins(&sent.accepted), [large.origin()]);
        assert_eq!(origins(&sent.skipped), [deaf.origin(), other.origin()]);
        assert_eq!((sent.refused.len(), sent.refused[0].0.origin()), (1, small.origin()));
        let (_, error) = sent.refused.into_iter().next().unwrap();
        assert!(matches!(&error, CommandError::Full(_)), "{error:?}");
        assert!(Arc::ptr_eq(&error.into_command().0, &clones));
    });
}
