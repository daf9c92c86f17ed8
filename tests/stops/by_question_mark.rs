//! A worker that is asked to stop and ends by `?` was cancelled, whatever its kind and its error; one that fails meanwhile
//! failed.

use std::{error::Error, fmt, future::Future, io, thread};

use control_panel::{
    Context, Exit, Restart, SendError, ShutdownReport, TrySendError, Worker, WorkerStatus,
    context::PolicyClosed,
    requests::{Reply, RequestError},
    supervision::{Cancel, Cause, WorkerOutput},
};
use tests::{Mark, paused, watched};
use tokio::time::sleep;

use super::{MS, Panel, exits};

type Boxed = Box<dyn Error + Send + Sync>;

/// What a user makes of the panel's errors: a variant each, and what they stem from.
#[derive(Debug)]
enum Failure {
    Send(SendError<()>),
    Ask(RequestError<()>),
    Policy(PolicyClosed),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the feed failed")
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Send(error) => Some(error),
            Self::Ask(error) => Some(error),
            Self::Policy(error) => Some(error),
        }
    }
}

impl From<SendError<Mark>> for Failure {
    fn from(error: SendError<Mark>) -> Self {
        Self::Send(error.without_intent())
    }
}

impl From<RequestError<Mark>> for Failure {
    fn from(error: RequestError<Mark>) -> Self {
        Self::Ask(error.without_intent())
    }
}

impl From<PolicyClosed> for Failure {
    fn from(error: PolicyClosed) -> Self {
        Self::Policy(error)
    }
}

/// What `run` returns when it loops until an error ends it.
type Ends<E> = Result<(), E>;

fn cooperative<Fut>(
    name: &'static str,
    run: impl FnMut(Context<Mark>) -> Fut + Send + 'static,
) -> Worker<Mark>
where
    Fut: Future<Output: WorkerOutput> + Send + 'static,
{
    Worker::new(name, 0, run).cancel(Cancel::Cooperative)
}

async fn sends(cx: Context<Mark>) -> Ends<Boxed> {
    loop {
        cx.send(Mark::new(0)).await.map_err(SendError::without_intent)?;
    }
}

async fn sends_typed(cx: Context<Mark>) -> Ends<Failure> {
    loop {
        cx.send(Mark::new(0)).await?;
    }
}

async fn sends_in_time(cx: Context<Mark>) -> Ends<io::Error> {
    loop {
        let sent = cx.send_timeout(Mark::new(0), 60_000 * MS).await;
        sent.map_err(SendError::without_intent).map_err(io::Error::other)?;
    }
}

async fn tries(cx: Context<Mark>) -> Ends<Boxed> {
    loop {
        match cx.try_send(Mark::new(0)) {
            Err(TrySendError::Full(_)) => sleep(MS).await,
            sent => sent.map_err(TrySendError::without_intent)?,
        }
    }
}

async fn asks(cx: Context<Mark>) -> Ends<Failure> {
    let mut asked = None;
    let ask = |reply: Reply<()>| {
        asked = Some(reply);
        Mark::new(0)
    };
    cx.request(ask).await?;
    Ok(())
}

async fn watches(cx: Context<Mark>) -> Ends<Failure> {
    let mut policy = cx.policy();
    loop {
        policy.changed().await?;
    }
}

fn assert_all_cancelled(report: &ShutdownReport, workers: usize) {
    assert!(report.is_clean(), "{report}");
    let exits = exits(report);
    assert_eq!(exits.len(), workers, "{report}");
    assert!(exits.iter().all(|(_, exit)| matches!(exit, Exit::Cancelled)), "{report}");
    assert!(report.workers().iter().all(|worker| worker.cause == Some(Cause::Shutdown)), "{report}");
}

#[test]
fn cooperative_workers_that_end_by_what_they_wait_for_are_cancelled() {
    paused(async || {
        let panel = Panel::builder().capacity(4).build();
        panel.spawn(cooperative("sends", sends));
        panel.spawn(cooperative("sends_typed", sends_typed));
        panel.spawn(cooperative("sends_in_time", sends_in_time));
        panel.spawn(cooperative("tries", tries));
        panel.spawn(cooperative("watches", watches));
        let asker = panel.spawn(Worker::new("asks", 1, asks).cancel(Cancel::Cooperative));
        sleep(5 * MS).await;
        assert_all_cancelled(&panel.shutdown().await, 6);
        assert_eq!(asker.generation(), 1);
    });
}

#[test]
fn so_are_workers_on_threads_and_local_ones() {
    watched(|| {
        let panel = Panel::builder().capacity(2).build();
        let blocks = |cx: Context<Mark>| -> Ends<Failure> {
            loop {
                cx.send_blocking(Mark::new(0))?;
            }
        };
        let watches_blocking = |cx: Context<Mark>| -> Ends<Failure> {
            let mut policy = cx.policy();
            loop {
                policy.changed_blocking()?;
            }
        };
        panel.spawn(Worker::thread("thread", 0, blocks));
        panel.spawn(Worker::blocking("blocking", 0, blocks));
        panel.spawn(Worker::thread("watches", 0, watches_blocking));
        panel.spawn(Worker::local("local", 0, sends_typed).cancel(Cancel::Cooperative));
        while panel.workers().iter().any(|worker| !matches!(worker.status(), WorkerStatus::Running)) {
            thread::yield_now();
        }
        assert_all_cancelled(&panel.shutdown_blocking(), 4);
    });
}

/// While a shutdown waits, the queue hands intents back also to a worker whose turn comes only when others have ended.
#[test]
fn so_is_one_whose_turn_to_stop_has_not_come_yet() {
    paused(async || {
        let panel = Panel::builder().capacity(1).build();
        panel.spawn(cooperative("store", sends));
        let slow = cooperative("feed", async |cx| {
            cx.cancelled().await;
            sleep(50 * MS).await;
        });
        panel.spawn(slow.after("store"));
        sleep(MS).await;
        assert_all_cancelled(&panel.shutdown().await, 2);
    });
}

/// Also where each is stopped or restarted alone, and the queue is not what stops.
#[test]
fn a_stop_or_restart_of_one_worker_is_no_failure_of_it() {
    paused(async || {
        let panel = Panel::builder().capacity(1).build();
        let one = panel.spawn(cooperative("one", sends).restart(Restart::OnFailure));
        sleep(MS).await;
        one.restart().unwrap();
        sleep(MS).await;
        assert_eq!(one.generation(), 2, "another run follows immediately, not after a backoff");
        one.stop();
        assert!(matches!(one.ended().await, WorkerStatus::Ended(Exit::Cancelled)));
        assert!(panel.shutdown().await.is_clean());
    });
}

#[test]
fn a_failure_during_a_stop_is_a_failure() {
    paused(async || {
        let panel = Panel::builder().capacity(1).build();
        panel.spawn(cooperative("flush", async |cx| {
            cx.cancelled().await;
            // What the stop refuses is expected here; what the disk refuses is not.
            cx.send(Mark::new(0)).await.ok();
            Err::<(), _>(io::Error::from(io::ErrorKind::StorageFull))
        }));
        // What an error stems from is known by its type: a text may say anything.
        panel.spawn(cooperative("text", async |cx| {
            cx.cancelled().await;
            cx.sender().reserve_many(7).await.map(drop).ok();
            cx.send(Mark::new(0)).await.map_err(|error| format!("cannot flush: {error}"))
        }));
        sleep(MS).await;
        let report = panel.shutdown().await;
        assert!(!report.is_clean());
        for (name, exit) in exits(&report) {
            assert!(matches!(exit, Exit::Failed(_)), "{name}: {exit}");
        }
    });
}

/// An error from before the stop, or of a queue that does not stop, says that something is wrong.
#[test]
fn without_a_stop_the_same_errors_are_failures() {
    paused(async || {
        let other = Panel::builder().build();
        let closed = other.sender(0);
        other.shutdown().await;
        let panel = Panel::builder().capacity(1).build();
        let worker = panel.spawn(cooperative("mirrors", move |_| {
            let closed = closed.clone();
            async move { closed.send(Mark::new(0)).await.map_err(SendError::without_intent) }
        }));
        assert!(matches!(worker.ended().await, WorkerStatus::Ended(Exit::Failed(_))));
        assert!(!panel.shutdown().await.is_clean());
    });
}
