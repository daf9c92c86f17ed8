//! Four kinds of workers, one set of promises: whatever a worker runs on, it starts, ends, fails, panics, restarts, is replaced
//! and is stopped alike. What differs is said where it does.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Cause, Context, ControlPanel, Exit, PanicReport, Restart, SendError, Spawn, Worker,
    WorkerHandle, WorkerStatus, testing,
};
use tests::{Mark, eventually, threads, watched};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::yield_now,
    time::sleep,
};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Async,
    Local,
    Blocking,
    Thread,
}

use Kind::{Async, Blocking, Local, Thread};

const KINDS: [Kind; 4] = [Async, Local, Blocking, Thread];

impl Kind {
    fn is_future(self) -> bool {
        matches!(self, Async | Local)
    }
}

/// What a generation does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Finish,
    Fail,
    Panic,
    /// Until it is told to stop.
    Wait,
    /// Holds its thread until it is let go, whatever it is told.
    Block,
    /// Sends until that fails.
    Flood,
}

/// What the generations of a worker did, all together.
#[derive(Clone, Default)]
struct Seen {
    go: Arc<AtomicBool>,
    living: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    begun: Arc<AtomicUsize>,
    came_back: Arc<AtomicUsize>,
    causes: Arc<Mutex<Vec<Option<Cause>>>>,
}

/// A generation that lives; at its end it notes what it was told.
struct Living(Seen, Context<Mark>);

impl Drop for Living {
    fn drop(&mut self) {
        self.0.causes.lock().unwrap().push(self.1.cause());
        self.0.living.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Seen {
    fn living(&self, cx: &Context<Mark>) -> Living {
        let living = self.living.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(living, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        Living(self.clone(), cx.clone())
    }

    /// What needs no waiting is the same on all kinds.
    fn act(&self, act: Act) -> Result<(), String> {
        match act {
            Act::Fail => return Err("down".into()),
            Act::Panic => panic!("on purpose, no {}", 7),
            Act::Block => {
                while !self.go.load(Ordering::SeqCst) {
                    thread::sleep(MS);
                }
            }
            Act::Finish | Act::Wait | Act::Flood => {}
        }
        Ok(())
    }

    async fn act_async(self, act: Act, cx: Context<Mark>) -> Result<(), String> {
        let _living = self.living(&cx);
        self.act(act)?;
        match act {
            Act::Wait => cx.cancelled().await,
            Act::Flood => while cx.send(Mark::new(0)).await.is_ok() {},
            _ => yield_now().await,
        }
        Ok(())
    }

    fn act_blocking(&self, act: Act, cx: &Context<Mark>) -> Result<(), String> {
        let _living = self.living(cx);
        self.act(act)?;
        match act {
            Act::Wait => while !cx.cancelled_timeout(Duration::from_secs(3600)) {},
            Act::Flood => loop {
                match cx.send_blocking(Mark::new(0)) {
                    Ok(()) => {}
                    Err(SendError::Stopping(_) | SendError::Closed(_)) => {
                        self.came_back.fetch_add(1, Ordering::SeqCst);
                        break;
                    }
                    Err(error) => return Err(error.to_string()),
                }
            },
            _ => {}
        }
        Ok(())
    }

    /// A worker that does `first` in its first generation and `later` in the others.
    fn worker(&self, kind: Kind, first: Act, later: Act) -> Worker<Mark> {
        let seen = self.clone();
        let act = move |cx: &Context<Mark>| if cx.generation() == 1 { first } else { later };
        match kind {
            Async => Worker::new("it", 0, move |cx| seen.clone().act_async(act(&cx), cx)),
            Local => Worker::local("it", 0, move |cx| {
                let (seen, act) = (seen.clone(), act(&cx));
                async move {
                    let not_send = Rc::new(());
                    let done = seen.act_async(act, cx).await;
                    drop(not_send);
                    done
                }
            }),
            Blocking => Worker::blocking("it", 0, move |cx| seen.act_blocking(act(&cx), &cx)),
            Thread => Worker::thread("it", 0, move |cx| seen.act_blocking(act(&cx), &cx)),
        }
        .backoff(Backoff::none())
    }

    /// Nothing of it lives, and there were never two at once.
    fn is_over(&self) {
        eventually("its end", || self.living.load(Ordering::SeqCst) == 0);
        assert!(self.most.load(Ordering::SeqCst) <= 1, "two generations at once");
    }
}

/// Lets go also when the test fails.
struct LetGo(Seen);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.go.store(true, Ordering::SeqCst);
    }
}

fn panel(runtime: &Runtime, timeout: Duration) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).capacity(4).shutdown_timeout(timeout).build()
}

/// Long enough for whoever stops, however busy the machine is.
const PATIENT: Duration = Duration::from_secs(20);

fn each_kind(test: impl Fn(Kind, &Runtime) + Send + 'static) {
    watched(move || {
        for kind in KINDS {
            let runtime = threads(2);
            test(kind, &runtime);
            runtime.shutdown_background();
        }
    });
}

fn running(handle: &WorkerHandle, generation: u64) {
    eventually("it runs", || {
        handle.generation() == generation && matches!(handle.status(), WorkerStatus::Running)
    });
}

#[test]
fn it_runs_once_and_says_how_it_ended() {
    each_kind(|kind, runtime| {
        let panel = panel(runtime, PATIENT);
        for (act, restart) in [(Act::Finish, Restart::OnFailure), (Act::Fail, Restart::Never)] {
            let seen = Seen::default();
            let handle = panel.spawn(seen.worker(kind, act, Act::Finish).restart(restart));
            match (act, handle.ended_blocking()) {
                (Act::Finish, WorkerStatus::Ended(Exit::Finished)) => {}
                (Act::Fail, WorkerStatus::Ended(Exit::Failed(error))) => {
                    assert_eq!(error.to_string(), "down");
                }
                (_, status) => panic!("{kind:?} {act:?}: {status}"),
            }
            assert_eq!((seen.begun.load(Ordering::SeqCst), handle.generation()), (1, 1));
            seen.is_over();
        }
    });
}

#[test]
fn a_panic_is_data_on_every_kind_and_a_failure_restarts() {
    each_kind(|kind, runtime| {
        let panel = panel(runtime, PATIENT);
        let place = |panic: &PanicReport| {
            let place = panic.place().expect("a place");
            (place.file.ends_with("conformance.rs"), place.line > 1 && place.column > 1)
        };
        let seen = Seen::default();
        let handle = panel.spawn(seen.worker(kind, Act::Panic, Act::Finish).restart(Restart::Never));
        match handle.ended_blocking() {
            WorkerStatus::Ended(Exit::Panicked(panic)) => {
                assert_eq!((panic.message(), place(&panic)), ("on purpose, no 7", (true, true)), "{kind:?}");
                assert!(panic.take_payload().is_some());
            }
            status => panic!("{kind:?}: {status}"),
        }
        seen.is_over();
        let seen = Seen::default();
        let handle = panel.spawn(seen.worker(kind, Act::Panic, Act::Finish).restart(Restart::OnFailure));
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Finished)), "{kind:?}");
        assert_eq!((seen.begun.load(Ordering::SeqCst), handle.generation()), (2, 2));
        seen.is_over();
        let report = panel.shutdown_blocking();
        assert_eq!(report.incident_count(), 2, "{report}");
    });
}

/// A panic of a destructor, which no return value can carry.
#[test]
fn last_words_are_told_on_every_kind() {
    struct Careless;
    impl Drop for Careless {
        fn drop(&mut self) {
            assert!(thread::panicking(), "while dropping");
        }
    }
    each_kind(|kind, runtime| {
        let (panel, seen) = (panel(runtime, PATIENT), Seen::default());
        let noted = seen.clone();
        let begin = move || {
            noted.begun.fetch_add(1, Ordering::SeqCst);
            Careless
        };
        let waits = |cx: Context<Mark>, careless: Careless| async move {
            let _careless = careless;
            cx.cancelled().await;
        };
        let blocks = |cx: Context<Mark>, careless: Careless| {
            let _careless = careless;
            while !cx.cancelled_timeout(PATIENT) {}
        };
        let worker = match kind {
            Async => Worker::new("it", 0, move |cx| waits(cx, begin())),
            Local => Worker::local("it", 0, move |cx| waits(cx, begin())),
            Blocking => Worker::blocking("it", 0, move |cx| blocks(cx, begin())),
            Thread => Worker::thread("it", 0, move |cx| blocks(cx, begin())),
        };
        let handle = panel.spawn(worker);
        // One that is told before its body begins never begins it.
        eventually("it begins", || seen.begun.load(Ordering::SeqCst) == 1);
        handle.stop();
        match handle.ended_blocking() {
            WorkerStatus::Ended(Exit::Panicked(panic)) => assert_eq!(panic.message(), "while dropping"),
            status => panic!("{kind:?}: {status}"),
        }
    });
}

#[test]
fn stop_and_restart_say_why_and_wait_for_the_end() {
    each_kind(|kind, runtime| {
        let (panel, seen) = (panel(runtime, PATIENT), Seen::default());
        let handle = panel.spawn(seen.worker(kind, Act::Wait, Act::Wait).restart(Restart::Always));
        // One that is told before its body begins never begins it.
        let begun = |generation| {
            eventually("it begins", || seen.begun.load(Ordering::SeqCst) == generation);
            running(&handle, generation as u64);
        };
        begun(1);
        handle.restart().unwrap();
        begun(2);
        handle.stop();
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Cancelled)), "{kind:?}");
        assert_eq!(*seen.causes.lock().unwrap(), [Some(Cause::Restart), Some(Cause::Stopped)], "{kind:?}");
        seen.is_over();
    });
}

#[test]
fn the_next_generation_waits_for_one_that_does_not_stop() {
    each_kind(|kind, runtime| {
        let (panel, seen) = (panel(runtime, PATIENT), Seen::default());
        let _go = LetGo(seen.clone());
        let handle = panel.spawn(seen.worker(kind, Act::Block, Act::Wait));
        eventually("it blocks", || seen.living.load(Ordering::SeqCst) == 1);
        handle.restart().unwrap();
        thread::sleep(20 * MS);
        assert_eq!((handle.generation(), seen.begun.load(Ordering::SeqCst)), (1, 1), "{kind:?}");
        seen.go.store(true, Ordering::SeqCst);
        running(&handle, 2);
        panel.shutdown_blocking();
        seen.is_over();
    });
}

#[test]
fn a_keyed_task_takes_the_place_of_the_one_before_once_that_is_gone() {
    each_kind(|kind, runtime| {
        let (panel, seen) = (panel(runtime, PATIENT), Seen::default());
        let _go = LetGo(seen.clone());
        let tasks = panel.tasks::<u8>();
        let first = tasks.keyed(1).spawn(seen.worker(kind, Act::Block, Act::Finish));
        eventually("it blocks", || seen.living.load(Ordering::SeqCst) == 1);
        let second = tasks.keyed(1).spawn(seen.worker(kind, Act::Finish, Act::Finish));
        let third = tasks.keyed(1).spawn(seen.worker(kind, Act::Finish, Act::Finish));
        assert!(matches!(
            second.ended_blocking(),
            WorkerStatus::Refused(_) | WorkerStatus::Ended(Exit::Cancelled)
        ));
        assert_eq!((second.generation(), third.generation()), (0, 0), "{kind:?}");
        assert!(matches!(first.status(), WorkerStatus::Stopping(Cause::Replaced)));
        seen.go.store(true, Ordering::SeqCst);
        assert!(matches!(third.ended_blocking(), WorkerStatus::Ended(Exit::Finished)), "{kind:?}");
        assert_eq!(seen.begun.load(Ordering::SeqCst), 2);
        seen.is_over();
    });
}

#[test]
fn a_shutdown_waits_for_those_who_stop() {
    each_kind(|kind, runtime| {
        let (mut panel, waits, floods) = (panel(runtime, PATIENT), Seen::default(), Seen::default());
        let waiting = panel.spawn(waits.worker(kind, Act::Wait, Act::Wait));
        panel.spawn(floods.worker(kind, Act::Flood, Act::Flood));
        running(&waiting, 1);
        eventually("the queue is full", || panel.status().waiting == 1);
        let report = panel.shutdown_blocking();
        assert!(report.is_clean() && report.workers().len() == 2, "{kind:?}: {report}");
        for worker in report.workers() {
            assert!(
                matches!(worker.exit, Exit::Cancelled) && worker.cause == Some(Cause::Shutdown),
                "{report}"
            );
        }
        let back = usize::from(!kind.is_future());
        assert_eq!(floods.came_back.load(Ordering::SeqCst), back, "{kind:?}: a blocking send comes back");
        waits.is_over();
        floods.is_over();
        assert!(panel.drain().count() > 0);
        let late = panel.spawn(waits.worker(kind, Act::Wait, Act::Wait));
        assert!(matches!(late.status(), WorkerStatus::Refused(_)));
    });
}

#[test]
fn one_of_each_kind_that_does_not_stop_is_named_and_nobody_else() {
    watched(|| {
        // A thread for the async offender and one for the bystanders.
        let runtime = threads(2);
        let panel = panel(&runtime, Duration::from_secs(2));
        let (blocks, waits) = (KINDS.map(|_| Seen::default()), Seen::default());
        let _go = blocks.each_ref().map(|seen| LetGo(seen.clone()));
        let handles: Vec<_> = KINDS
            .iter()
            .zip(&blocks)
            .map(|(&kind, seen)| {
                let waiting = panel.spawn(waits.worker(kind, Act::Wait, Act::Wait));
                running(&waiting, 1);
                let handle = panel.spawn(seen.worker(kind, Act::Block, Act::Wait));
                eventually("it blocks", || seen.living.load(Ordering::SeqCst) == 1);
                handle
            })
            .collect();
        let report = panel.shutdown_blocking();
        assert!(blocks.iter().all(|seen| seen.living.load(Ordering::SeqCst) == 1), "they still block");
        let named: Vec<_> = report.abandoned().map(|worker| worker.origin).collect();
        assert_eq!(named, handles.iter().map(WorkerHandle::origin).collect::<Vec<_>>(), "{report}");
        // The local bystander shares its thread with the local offender; the others stopped.
        let others: Vec<_> =
            report.workers().iter().step_by(2).map(|worker| worker.exit.to_string()).collect();
        let (starved, cancelled) = (Exit::Starved.to_string(), Exit::Cancelled.to_string());
        assert_eq!(others, [&cancelled, &starved, &cancelled, &cancelled].map(Clone::clone), "{report}");
        for seen in &blocks {
            seen.go.store(true, Ordering::SeqCst);
        }
        eventually("all end", || panel.worker_count() == 0);
        assert!(handles.iter().all(|handle| handle.status().is_final()));
    });
}

/// What cannot be dropped is told, and its end is told when it really ends.
#[test]
fn a_dropped_panel_ends_every_kind() {
    each_kind(|kind, runtime| {
        let (panel, waits, blocks) = (panel(runtime, PATIENT), Seen::default(), Seen::default());
        let _go = LetGo(blocks.clone());
        let waiting = panel.spawn(waits.worker(kind, Act::Wait, Act::Wait));
        running(&waiting, 1);
        let blocking = panel.spawn(blocks.worker(kind, Act::Block, Act::Wait));
        eventually("it blocks", || blocks.living.load(Ordering::SeqCst) == 1);
        drop(panel);
        assert!(!blocking.status().is_final(), "{kind:?}: it still lives");
        if kind != Local {
            // A local one shares its thread with the one that blocks.
            assert!(waiting.ended_blocking().is_final());
            assert_eq!(waits.living.load(Ordering::SeqCst), 0, "{kind:?}: told only when it ended");
        }
        blocks.go.store(true, Ordering::SeqCst);
        assert!(blocking.ended_blocking().is_final() && waiting.ended_blocking().is_final());
        assert_eq!(blocks.living.load(Ordering::SeqCst) + waits.living.load(Ordering::SeqCst), 0, "{kind:?}");
        assert_eq!(*blocks.causes.lock().unwrap(), [Some(Cause::Shutdown)], "{kind:?}: it was told");
    });
}

/// A future ends with its runtime; a thread goes on, still owned, until the panel tells it to stop.
#[test]
fn a_runtime_that_is_gone_leaves_no_orphan() {
    watched(|| {
        for kind in KINDS {
            let (runtime, seen) = (threads(2), Seen::default());
            let panel = panel(&runtime, PATIENT);
            let handle = panel.spawn(seen.worker(kind, Act::Wait, Act::Wait).restart(Restart::Always));
            running(&handle, 1);
            // A call that still waits for its thread goes with the runtime.
            eventually("it begins", || seen.begun.load(Ordering::SeqCst) == 1);
            runtime.shutdown_background();
            if kind == Async {
                assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Aborted)));
            } else {
                thread::sleep(10 * MS);
                assert_eq!(panel.worker_count(), 1, "{kind:?}: it lives, and is still known");
            }
            panel.shutdown_blocking();
            assert!(handle.ended_blocking().is_final() && panel.worker_count() == 0, "{kind:?}");
            seen.is_over();
            assert_eq!(seen.begun.load(Ordering::SeqCst), 1, "nothing starts without a runtime");
        }
    });
}

#[test]
fn a_current_thread_runtime_runs_every_kind() {
    watched(|| {
        for kind in KINDS {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let (panel, seen) = (Panel::new(), Seen::default());
                let failing =
                    panel.spawn(seen.worker(kind, Act::Fail, Act::Finish).restart(Restart::OnFailure));
                let waiting = panel.spawn(Seen::default().worker(kind, Act::Wait, Act::Wait));
                assert!(matches!(failing.ended().await, WorkerStatus::Ended(Exit::Finished)), "{kind:?}");
                let mut status = waiting.status();
                while !matches!(status, WorkerStatus::Running) {
                    sleep(MS).await;
                    status = waiting.status();
                }
                assert_eq!(
                    panel.shutdown().await.incident_count(),
                    1,
                    "the failure, and nothing else: {kind:?}"
                );
                seen.is_over();
            });
        }
    });
}

/// tokio's own rule: a paused clock waits for the blocking pool. For threads it does not.
#[test]
fn a_paused_clock_stands_still_for_a_blocking_worker_and_for_no_other() {
    watched(|| {
        for kind in [Blocking, Thread] {
            testing::paused(async |panel: &mut Panel| {
                let seen = Seen::default();
                let _go = LetGo(seen.clone());
                panel.spawn(seen.worker(kind, Act::Block, Act::Finish));
                while seen.living.load(Ordering::SeqCst) == 0 {
                    yield_now().await;
                }
                let (told, mut real_time) = oneshot::channel();
                thread::spawn(move || {
                    thread::sleep(100 * MS);
                    told.send(()).ok();
                });
                let mut hour = pin!(sleep(Duration::from_secs(3600)));
                let hour_first = poll_fn(|cx| match hour.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(true),
                    Poll::Pending => Pin::new(&mut real_time).poll(cx).map(|_| false),
                });
                assert_eq!(hour_first.await, kind == Thread, "{kind:?}");
            });
        }
    });
}
