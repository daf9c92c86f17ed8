//! The gate: suspend and resume by hand and by idleness, across restarts, and never in the way of an end.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use control_panel::{
    Backoff, BuildError, Cancel, Context, ControlPanel, Event, EventKind, Exit, Notice, Origin, Restart,
    Suspend, Worker, WorkerHandle, WorkerStatus, worker,
};
use tests::{Mark, Wakes, drive, paused, paused_runtime, quiet_panic, threads, watched};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);
const IDLE: Duration = Duration::from_millis(1600);
const ALMOST: Duration = Duration::from_millis(1599);
/// A sixteenth of it: how late the panel may be idle, and a tick.
const LATE: Duration = Duration::from_millis(102);

/// Counts the milliseconds in which its gate is open.
fn counter(count: &Arc<AtomicU64>) -> Worker<Mark> {
    let count = Arc::clone(count);
    Worker::new("counter", 0, move |cx: Context<Mark>| {
        let count = Arc::clone(&count);
        async move {
            let gate = cx.gate();
            loop {
                gate.opened().await;
                sleep(MS).await;
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
}

#[test]
fn a_suspended_worker_waits_at_its_gate_until_it_is_resumed() {
    paused(async || {
        let panel = Panel::new();
        let count = Arc::new(AtomicU64::new(0));
        let handle = panel.spawn(counter(&count));
        handle.suspend(); // before it ran
        assert!(handle.is_suspended() && panel.status().workers[0].suspended);
        sleep(50 * MS).await;
        assert_eq!(count.load(Ordering::SeqCst), 0);
        handle.suspend(); // twice is once
        handle.resume();
        assert!(!handle.is_suspended() && !panel.status().workers[0].suspended);
        sleep(50 * MS).await;
        let open = count.load(Ordering::SeqCst);
        assert!((45..=50).contains(&open), "{open}");
        handle.suspend();
        sleep(50 * MS).await;
        let closed = count.load(Ordering::SeqCst);
        assert!(closed <= open + 1, "the one that was under way");
        assert!(panel.shutdown().await.is_clean());
    });
}

#[test]
fn changed_tells_each_turn_that_was_seen_and_a_cancelled_wait_loses_none() {
    paused(async || {
        let panel = Panel::new();
        let handle = panel.spawn(Worker::new("pending", 0, |_| std::future::pending::<()>()));
        // The gate of a worker is had by its context alone: this one gives it away.
        let (give, take) = std::sync::mpsc::channel();
        let gives = panel.spawn(Worker::new("gives", 0, move |cx: Context<Mark>| {
            give.send(cx.gate()).unwrap();
            async move { cx.cancelled().await }
        }));
        yield_now().await;
        let mut gate = take.recv().unwrap();
        let wakes = Wakes::new();
        handle.suspend();
        assert!(gate.is_open(), "somebody else's");
        assert!(wakes.poll(Box::pin(gate.changed()).as_mut()).is_pending());
        gives.suspend();
        assert!(!gate.is_open());
        assert!(!gate.changed().await, "closed while nobody waited");
        gives.resume();
        gives.suspend();
        assert!(wakes.poll(Box::pin(gate.changed()).as_mut()).is_pending(), "twice turned");
        let mut changed = Box::pin(gate.changed());
        assert!(wakes.poll(changed.as_mut()).is_pending());
        wakes.take();
        gives.resume();
        assert_eq!(wakes.take(), 1);
        assert!(changed.await, "open");
        assert!(format!("{gate:?}").contains("open: true"));
    });
}

#[test]
fn suspension_holds_across_restarts() {
    paused(async || {
        let panel = Panel::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let worker = Worker::new("flaky", 0, move |cx: Context<Mark>| {
            noted.lock().unwrap().push(cx.gate().is_open());
            async move {
                sleep(10 * MS).await;
                quiet_panic()
            }
        });
        let handle = panel.spawn(worker.restart(Restart::OnFailure).backoff(Backoff::new(MS, MS)));
        sleep(5 * MS).await;
        handle.suspend();
        sleep(10 * MS).await;
        handle.resume();
        sleep(10 * MS).await;
        assert_eq!(seen.lock().unwrap()[..3], [true, false, true]);
    });
}

#[test]
fn a_gate_is_open_for_a_worker_that_is_told_to_stop() {
    paused(async || {
        let panel = Panel::new();
        let waits = Worker::new("waits", 0, async |cx: Context<Mark>| {
            let mut gate = cx.gate();
            assert!(!gate.is_open());
            gate.opened().await;
            assert!(cx.is_cancelled() && gate.is_open() && gate.changed().await);
        });
        let handle = panel.spawn(waits.cancel(Cancel::Cooperative).grace(Duration::MAX));
        handle.suspend();
        sleep(MS).await;
        handle.stop();
        let began = Instant::now();
        assert!(matches!(handle.ended().await, WorkerStatus::Ended(Exit::Cancelled)), "{handle:?}");
        assert!(began.elapsed() < MS);
    });
}

fn idle_panel() -> Panel {
    Panel::builder().idle_after(IDLE).build()
}

fn suspendable(panel: &Panel, suspend: Suspend) -> WorkerHandle {
    panel.spawn(Worker::new("w", 0, |_| std::future::pending::<()>()).suspend(suspend))
}

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
        assert!(worker.is_suspended(), "the user's touch does not undo what was told");
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
fn without_a_time_to_idle_nobody_is_suspended() {
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
fn each_turn_is_told_once_and_in_order() {
    paused(async || {
        let panel = idle_panel();
        let mut events = panel.events();
        let worker = suspendable(&panel, Suspend::OnIdle);
        worker.suspend();
        worker.suspend();
        sleep(2 * IDLE).await; // idle too, which changes nothing
        assert!(panel.status().workers[0].suspended);
        worker.resume();
        assert!(!panel.status().workers[0].suspended);
        worker.resume();
        panel.touch();
        sleep(2 * IDLE).await;
        let late = suspendable(&panel, Suspend::OnIdle);
        panel.touch();
        sleep(MS).await;
        let mut told = Vec::new();
        while let Some(Notice::Event(event)) = events.try_next() {
            if matches!(event.kind, EventKind::Suspended | EventKind::Resumed) {
                told.push((event.origin, event.kind.to_string()));
            }
        }
        let told: Vec<_> = told.iter().map(|(origin, kind)| (*origin, kind.as_str())).collect();
        let (first, late) = (worker.origin(), late.origin());
        let expected = [
            (first, "suspended"),
            (first, "resumed"),
            (first, "suspended"),
            (late, "suspended"),
            (first, "resumed"),
            (late, "resumed"),
        ];
        assert_eq!(told, expected);
    });
}

#[test]
fn a_gate_is_open_for_a_generation_that_is_to_end() {
    paused(async || {
        let panel = Panel::new();
        let worker = Worker::new("again", 0, async |cx: Context<Mark>| {
            cx.gate().opened().await;
            assert!(cx.is_cancelled());
        });
        let handle = panel.spawn(worker.cancel(Cancel::Cooperative).grace(Duration::MAX));
        handle.suspend();
        sleep(MS).await;
        handle.restart().unwrap();
        sleep(MS).await;
        assert_eq!((handle.generation(), handle.is_suspended()), (2, true));
        assert!(matches!(handle.status(), WorkerStatus::Running), "the next one waits at its gate");
    });
}

#[test]
fn a_thread_waits_at_its_gate() {
    watched(|| {
        let panel = Panel::new();
        let passed = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&passed);
        let handle = panel.spawn(Worker::thread("thread", 0, move |cx: Context<Mark>| {
            cx.gate().opened_blocking();
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        handle.suspend();
        tests::eventually("it runs", || handle.generation() == 1);
        std::thread::sleep(5 * MS);
        // It may have passed before it was suspended, which is no mistake.
        if passed.load(Ordering::SeqCst) == 0 {
            assert!(!handle.status().is_final());
        }
        handle.resume();
        handle.ended_blocking();
        assert_eq!(passed.load(Ordering::SeqCst), 1);
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
        assert_eq!(runtime.metrics().num_alive_tasks(), 3, "the workers and one timer");
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

/// Spawned, stopped and touched from threads while the panel falls asleep and wakes. The events say that at every moment
/// all who want it were suspended together, or nobody.
#[test]
fn nobody_is_forgotten_when_an_idle_panel_wakes_or_falls_asleep() {
    watched(|| {
        let runtime = threads(1);
        let panel = Panel::builder().runtime(runtime.handle().clone()).idle_after(MS).build();
        let mut events = panel.events();
        let mut seen = Replay::new(&panel);
        let mut rounds = 0..u64::MAX;
        // On a busy machine it takes more of them.
        while let Some(round) = rounds.next().filter(|&round| round < 400 || seen.turns <= 50) {
            let mut workers = Vec::new();
            for nth in 0..4 {
                workers.push(suspendable(&panel, Suspend::OnIdle));
                std::thread::sleep(Duration::from_micros((round * 131 + nth * 977) % 1_500));
                if nth % 2 == 0 {
                    panel.touch();
                }
            }
            workers.iter().for_each(WorkerHandle::stop);
            while let Some(notice) = events.try_next() {
                let Notice::Event(event) = notice else { panic!("{notice:?}") };
                seen.next(&event);
            }
        }
        assert!(seen.turns > 50, "it slept and woke: {}", seen.turns);
    });
}

/// What the events say of the gates.
struct Replay {
    /// Suspended whenever the panel is idle.
    anchor: WorkerHandle,
    living: BTreeSet<Origin>,
    suspended: BTreeSet<Origin>,
    turns: u32,
}

impl Replay {
    fn new(panel: &Panel) -> Self {
        Self {
            anchor: suspendable(panel, Suspend::OnIdle),
            living: BTreeSet::new(),
            suspended: BTreeSet::new(),
            turns: 0,
        }
    }

    fn next(&mut self, event: &Event) {
        let origin = event.origin;
        match event.kind {
            EventKind::Suspended => {
                self.turns += u32::from(origin == self.anchor.origin());
                assert!(self.suspended.insert(origin), "twice: {event}");
            }
            EventKind::Resumed => assert!(self.suspended.remove(&origin), "twice: {event}"),
            _ => {
                let idle = self.suspended.contains(&self.anchor.origin());
                let expected = if idle { self.living.clone() } else { BTreeSet::new() };
                assert_eq!(self.suspended, expected, "before {event}");
            }
        }
        match event.kind {
            EventKind::Spawned => drop(self.living.insert(origin)),
            EventKind::Ended(..) => {
                self.living.remove(&origin);
                self.suspended.remove(&origin);
            }
            _ => {}
        }
    }
}
