//! The four kinds of workers, and what a generation of any of them does and leaves behind.

use std::{
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, SendError, Worker, WorkerHandle, WorkerStatus, supervision::Cause,
};
use tests::{Mark, eventually, threads, watched};
use tokio::{runtime::Runtime, task::yield_now};

pub(crate) type Panel = ControlPanel<Mark>;
pub(crate) const MS: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Async,
    Local,
    Blocking,
    Thread,
}

pub(crate) use Kind::{Async, Blocking, Local, Thread};

pub(crate) const KINDS: [Kind; 4] = [Async, Local, Blocking, Thread];

impl Kind {
    pub(crate) fn is_future(self) -> bool {
        matches!(self, Async | Local)
    }
}

/// What a generation does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Act {
    Finish,
    Fail,
    Panic,
    /// Until it is asked to stop.
    Wait,
    /// Holds its thread until it is let go, even when it is asked to stop.
    Block,
    /// Sends until that fails.
    Flood,
}

/// What the generations of a worker did, all together.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) go: Arc<AtomicBool>,
    pub(crate) living: Arc<AtomicUsize>,
    pub(crate) most: Arc<AtomicUsize>,
    pub(crate) begun: Arc<AtomicUsize>,
    pub(crate) came_back: Arc<AtomicUsize>,
    pub(crate) causes: Arc<Mutex<Vec<Option<Cause>>>>,
}

/// A run that lives; at its end it notes the cause of its stop.
pub(crate) struct Living(Seen, Context<Mark>);

impl Drop for Living {
    fn drop(&mut self) {
        self.0.causes.lock().unwrap().push(self.1.cause());
        self.0.living.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Seen {
    pub(crate) fn living(&self, cx: &Context<Mark>) -> Living {
        let living = self.living.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(living, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        Living(self.clone(), cx.clone())
    }

    /// What needs no waiting is the same on all kinds.
    pub(crate) fn act(&self, act: Act) -> Result<(), String> {
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

    pub(crate) async fn act_async(self, act: Act, cx: Context<Mark>) -> Result<(), String> {
        let _living = self.living(&cx);
        self.act(act)?;
        match act {
            Act::Wait => cx.cancelled().await,
            Act::Flood => while cx.send(Mark::new(0)).await.is_ok() {},
            _ => yield_now().await,
        }
        Ok(())
    }

    pub(crate) fn act_blocking(&self, act: Act, cx: &Context<Mark>) -> Result<(), String> {
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
    pub(crate) fn worker(&self, kind: Kind, first: Act, later: Act) -> Worker<Mark> {
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
    pub(crate) fn is_over(&self) {
        eventually("its end", || self.living.load(Ordering::SeqCst) == 0);
        assert!(self.most.load(Ordering::SeqCst) <= 1, "two generations at once");
    }
}

/// Lets go also when the test fails.
pub(crate) struct LetGo(pub(crate) Seen);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.go.store(true, Ordering::SeqCst);
    }
}

pub(crate) fn panel(runtime: &Runtime, timeout: Duration) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).capacity(4).shutdown_timeout(timeout).build()
}

/// Long enough for a worker that stops, however busy the machine is.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);

pub(crate) fn each_kind(test: impl Fn(Kind, &Runtime) + Send + 'static) {
    watched(move || {
        for kind in KINDS {
            let runtime = threads(2);
            test(kind, &runtime);
            runtime.shutdown_background();
        }
    });
}

pub(crate) fn running(handle: &WorkerHandle, generation: u64) {
    eventually("it runs", || {
        handle.generation() == generation && matches!(handle.status(), WorkerStatus::Running)
    });
}
