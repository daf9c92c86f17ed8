//! By idleness: when a panel falls asleep and wakes, and which workers that concerns.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use control_panel::{Context, Worker, panel::BuildError, supervision::Suspend, worker};
use tests::{Mark, drive, paused, paused_runtime};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

use super::{ALMOST, IDLE, LATE, MS, Panel, idle_panel, suspendable};

#[test]
fn an_idle_panel_suspends_those_that_want_it_and_a_touch_resumes_them() {
    paused(async || {
        let panel = idle_panel();
        let (on_idle, never) = (suspendable(&panel, Suspend::OnIdle), suspendable(&panel, Suspend::Never));
        let suspended = || (on_idle.is_suspended(), never.is_suspended());
        assert_eq!(panel.worker_count(), 2, "the timer is no worker");
        sleep(ALMOST).await;
        assert_eq!(suspended(), (false, false));
        sleep(LATE).await;
        assert_eq!(suspended(), (true, false));
        sleep(100 * IDLE).await;
        panel.touch();
        sleep(MS).await;
        assert_eq!(suspended(), (false, false));
        // A touch every now and then keeps it awake, whenever it comes between two looks.
        for nth in 0..200 {
            sleep(IDLE / 2 + nth * MS).await;
            panel.touch();
            assert_eq!(suspended(), (false, false), "after {nth}");
        }
        // Then it is idle again, after no less than what was said and not much more.
        sleep(ALMOST).await;
        assert_eq!(suspended(), (false, false));
        sleep(2 * LATE).await;
        assert_eq!(suspended(), (true, false));
        assert!(panel.shutdown().await.is_clean());
        assert_eq!(panel.worker_count(), 0);
    });
}

#[test]
fn touches_of_any_frame_rate_keep_a_panel_awake_and_their_end_lets_it_sleep() {
    for every in [1, 7, 16, 99, 100, 101, 103, 1000, 1599] {
        paused(async || {
            let panel = idle_panel();
            let worker = suspendable(&panel, Suspend::OnIdle);
            let began = Instant::now();
            while began.elapsed() < 5 * IDLE {
                sleep(every * MS).await;
                panel.touch();
                assert!(!worker.is_suspended(), "touched each {every} ms");
            }
            sleep(ALMOST).await;
            assert!(!worker.is_suspended(), "touched each {every} ms");
            sleep(2 * LATE).await;
            assert!(worker.is_suspended(), "touched each {every} ms");
        });
    }
}

#[test]
fn each_reason_to_be_suspended_is_kept_apart() {
    paused(async || {
        let panel = idle_panel();
        let worker = suspendable(&panel, Suspend::OnIdle);
        worker.suspend();
        sleep(2 * IDLE).await;
        panel.touch();
        sleep(MS).await;
        assert!(worker.is_suspended(), "the user's touch does not undo a suspension by hand");
        worker.resume();
        assert!(!worker.is_suspended());
        sleep(2 * IDLE).await;
        assert!(worker.is_suspended(), "idle");
        worker.resume();
        assert!(!worker.is_suspended(), "whatever closed it");
        sleep(10 * IDLE).await;
        assert!(!worker.is_suspended(), "until the panel next becomes idle");
        panel.touch();
        sleep(2 * IDLE).await;
        assert!(worker.is_suspended());
    });
}

#[test]
fn a_worker_that_is_spawned_while_the_panel_is_idle_begins_suspended() {
    paused(async || {
        let panel = idle_panel();
        let first = suspendable(&panel, Suspend::OnIdle);
        first.stop();
        sleep(2 * IDLE).await;
        let second = suspendable(&panel, Suspend::OnIdle);
        assert!(second.is_suspended() && !suspendable(&panel, Suspend::Never).is_suspended());
        panel.touch();
        sleep(MS).await;
        assert!(!second.is_suspended() && !suspendable(&panel, Suspend::OnIdle).is_suspended());
    });
}

#[test]
fn without_a_time_to_idle_no_worker_is_suspended() {
    paused(async || {
        let panel = Panel::new();
        let worker = suspendable(&panel, Suspend::OnIdle);
        sleep(Duration::from_secs(1_000_000)).await;
        panel.touch();
        assert!(!worker.is_suspended());
    });
    assert!(matches!(Panel::builder().idle_after(Duration::ZERO).try_build(), Err(BuildError::ZeroIdle)));
    paused(async || {
        for idle_after in [Duration::from_nanos(1), Duration::MAX] {
            let panel = Panel::builder().idle_after(idle_after).build();
            let worker = suspendable(&panel, Suspend::OnIdle);
            sleep(Duration::from_secs(10)).await;
            assert_eq!(worker.is_suspended(), idle_after < MS);
        }
    });
}

const ANNOTATED: u8 = 3;

#[worker(source = ANNOTATED, suspend = on_idle)]
async fn annotated(cx: Context<Mark>, noted: Arc<Mutex<Vec<bool>>>) {
    let mut gate = cx.gate();
    loop {
        let open = gate.changed().await;
        noted.lock().unwrap().push(open);
    }
}

#[test]
fn the_macros_key_says_the_same() {
    paused(async || {
        let panel = idle_panel();
        let noted = Arc::default();
        panel.spawn_annotated(Arc::clone(&noted));
        for _ in 0..2 {
            sleep(2 * IDLE).await;
            panel.touch();
            sleep(MS).await;
        }
        assert_eq!(*noted.lock().unwrap(), [false, true, false, true]);
    });
}

#[test]
fn the_members_of_a_group_begin_suspended_in_an_idle_panel_too() {
    paused(async || {
        let panel = idle_panel();
        suspendable(&panel, Suspend::OnIdle).stop();
        sleep(2 * IDLE).await;
        let member = Worker::new("member", 0, |_| std::future::pending::<()>()).suspend(Suspend::OnIdle);
        let group = panel.group();
        let member = group.spawn(member);
        group.start().unwrap();
        assert!(member.is_suspended());
    });
}

/// The timer is the panel's: it ends with it, also where a spawner lives on.
#[test]
fn nothing_is_left_of_a_panel_that_is_gone() {
    let runtime = paused_runtime();
    drive(&runtime, async {
        let panel = idle_panel();
        suspendable(&panel, Suspend::OnIdle);
        suspendable(&panel, Suspend::OnIdle);
        let spawner = panel.spawner();
        yield_now().await;
        assert_eq!(runtime.metrics().num_alive_tasks(), 2, "the workers: the timer is no task");
        drop(panel);
        yield_now().await;
        yield_now().await;
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
        drop(spawner);
        let panel = idle_panel();
        suspendable(&panel, Suspend::OnIdle);
        assert!(panel.shutdown().await.is_clean());
        yield_now().await;
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    });
}
