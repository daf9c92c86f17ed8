//! A worker that is asked to stop waits for no slot any more, whatever it runs on and whatever asked it: an intent that
//! fits is accepted, any other is returned immediately. From a run that has ended nothing is accepted, even if its
//! context was kept.

mod freed;
mod generations;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use control_panel::{Backoff, Context, ControlPanel, Restart, SendError, Worker, supervision::Cancel};
use tests::{Mark, eventually};
use tokio::runtime::{Handle, Runtime};

type Panel = ControlPanel<Mark>;

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(3600);
const CAPACITY: usize = 4;

/// Those that are not dropped at their next await.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Async,
    Local,
    Blocking,
    Thread,
}

use Kind::{Async, Blocking, Local, Thread};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Wait {
    ForEver,
    WithTimeout,
    InARow,
    Reserved,
}

use Wait::{ForEver, InARow, Reserved, WithTimeout};

/// What came of each generation's sends: how many were taken, and why the next was not.
type Ends = Arc<Mutex<Vec<(u64, SendError<u64>)>>>;

fn with_id(error: SendError<Mark>) -> SendError<u64> {
    match error {
        SendError::Stopping(mark) => SendError::Stopping(mark.id),
        SendError::Closed(mark) => SendError::Closed(mark.id),
        SendError::Ended(mark) => SendError::Ended(mark.id),
        SendError::Timeout(mark) => SendError::Timeout(mark.id),
        other => panic!("{other}"),
    }
}

/// By way of a deque, or of a reserved slot: what is refused is still there.
async fn send_otherwise(cx: &Context<Mark>, wait: Wait, id: u64) -> Result<(), SendError<Mark>> {
    let mut marks = VecDeque::from([Mark::new(id)]);
    let sent = match wait {
        InARow => cx.send_many(&mut marks).await,
        _ => cx.reserve_many(1).await.map(|mut slot| slot.send(marks.pop_front().unwrap()).unwrap()),
    };
    sent.map_err(|error| {
        let mark = marks.pop_front().unwrap();
        match error {
            SendError::Stopping(()) => SendError::Stopping(mark),
            SendError::Ended(()) => SendError::Ended(mark),
            other => panic!("{other}"),
        }
    })
}

async fn flood(cx: Context<Mark>, wait: Wait, ends: Ends) {
    for id in 0.. {
        let sent = match wait {
            ForEver => cx.send(Mark::new(id)).await,
            WithTimeout => cx.send_timeout(Mark::new(id), LONG).await,
            InARow | Reserved => send_otherwise(&cx, wait, id).await,
        };
        if let Err(error) = sent {
            return ends.lock().unwrap().push((id, with_id(error)));
        }
    }
}

fn flood_blocking(cx: &Context<Mark>, wait: Wait, ends: &Ends) {
    for id in 0.. {
        let sent = match wait {
            ForEver => cx.send_blocking(Mark::new(id)),
            WithTimeout => cx.send_blocking_timeout(Mark::new(id), LONG),
            InARow | Reserved => Handle::current().block_on(send_otherwise(cx, wait, id)),
        };
        if let Err(error) = sent {
            return ends.lock().unwrap().push((id, with_id(error)));
        }
    }
}

/// Sends until that fails.
fn flooding(name: &'static str, kind: Kind, wait: Wait, ends: &Ends) -> Worker<Mark> {
    let ends = Arc::clone(ends);
    match kind {
        Async => Worker::new(name, 0, move |cx| flood(cx, wait, Arc::clone(&ends))),
        Local => Worker::local(name, 0, move |cx| flood(cx, wait, Arc::clone(&ends))),
        Blocking => Worker::blocking(name, 0, move |cx| flood_blocking(&cx, wait, &ends)),
        Thread => Worker::thread(name, 0, move |cx| flood_blocking(&cx, wait, &ends)),
    }
    .cancel(Cancel::Cooperative)
    .grace(LONG)
    .restart(Restart::Always)
    .backoff(Backoff::none())
}

fn panel(runtime: &Runtime) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).capacity(CAPACITY).build()
}

/// The queue is full, and the worker waits.
fn waits(panel: &Panel) {
    eventually("it waits", || panel.status().waiting == 1);
}
