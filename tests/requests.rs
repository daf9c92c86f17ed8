//! Request and reply: a worker asks the frame loop by an intent, the loop asks a worker by a command, and the asker learns
//! when there will be no answer.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, Exit, GraphIntent, IntentSource, SendError, Worker, WorkerStatus,
    requests::{Answer, NoReply, Reply, RequestError, reply},
    supervision::Cancel,
};
use tests::{Wakes, eventually, paused, threads, watched};
use tokio::{task::yield_now, time::sleep};

/// Neither `Debug` nor `Clone` nor `Sync`.
struct Opaque(u64);

#[derive(GraphIntent)]
enum Ask {
    Double { number: u64, reply: Reply<Opaque> },
    Heard(u64),
}

type Panel = ControlPanel<Ask>;
const RESTORE: IntentSource = IntentSource::Restore;
const MS: Duration = Duration::from_millis(1);

const _: () = {
    const fn send<T: Send>() {}
    const fn sync<T: Sync>() {}
    send::<Reply<std::cell::Cell<u8>>>();
    sync::<Reply<std::cell::Cell<u8>>>();
    send::<Answer<std::cell::Cell<u8>>>();
};

#[test]
fn a_reply_answers_once_and_no_request_waits_for_an_answer_that_cannot_come() {
    let (reply, mut answer) = reply::<Opaque>();
    assert!(reply.is_wanted() && answer.try_take().is_none());
    assert_eq!((format!("{reply:?}"), format!("{answer:?}")).0, "Reply { wanted: true, .. }");
    reply.send(Opaque(4));
    assert!(matches!(answer.try_take(), Some(Ok(Opaque(4)))));
    assert!(answer.try_take().is_none(), "only once");

    let (reply, mut answer) = control_panel::requests::reply::<Opaque>();
    drop(reply);
    assert!(matches!(answer.try_take(), Some(Err(NoReply))));
    assert!(answer.try_take().is_none());

    let (reply, answer) = control_panel::requests::reply::<Opaque>();
    drop(answer);
    assert!(!reply.is_wanted());
    reply.send(Opaque(1)); // to no one, and no panic
}

#[test]
fn an_awaited_answer_is_woken_and_a_cancelled_await_loses_nothing() {
    let wakes = Wakes::new();
    let (reply, mut answer) = reply::<u64>();
    for _ in 0..3 {
        let mut awaited = pin!(&mut answer);
        assert!(wakes.poll(awaited.as_mut()).is_pending());
    }
    reply.send(7);
    assert_eq!(wakes.take(), 1);
    assert_eq!(wakes.poll(pin!(&mut answer)), Poll::Ready(Ok(7)));

    let (reply, mut answer) = control_panel::requests::reply::<u64>();
    assert!(wakes.poll(pin!(&mut answer)).is_pending());
    drop(reply);
    assert_eq!(wakes.take(), 1);
    assert_eq!(wakes.poll(pin!(answer)), Poll::Ready(Err(NoReply)));
}

#[test]
#[should_panic(expected = "this answer was taken already")]
fn an_answer_that_was_taken_cannot_be_awaited() {
    let (reply, mut answer) = reply();
    reply.send(1);
    answer.try_take();
    assert!(Wakes::new().poll(pin!(answer)).is_pending());
}

#[test]
fn a_worker_asks_the_frame_loop() {
    paused(async || {
        let mut panel = Panel::new();
        let asks = panel.spawn(Worker::new("asks", RESTORE, async |cx: Context<Ask>| {
            for number in 1..=3 {
                let Opaque(answer) = cx.request(|reply| Ask::Double { number, reply }).await.unwrap();
                cx.send(Ask::Heard(answer)).await.unwrap();
            }
            // This one is dropped unanswered.
            let error = cx.request(|reply| Ask::Double { number: 4, reply }).await.err().unwrap();
            assert!(matches!(error, RequestError::NoReply), "{error:?}");
            assert!(error.into_intent().is_none());
        }));
        let mut heard = Vec::new();
        while !asks.status().is_final() {
            yield_now().await;
            for queued in panel.drain() {
                match queued.intent {
                    Ask::Double { number: 4, reply: _ } => {}
                    Ask::Double { number, reply } => reply.send(Opaque(2 * number)),
                    Ask::Heard(answer) => heard.push(answer),
                }
            }
        }
        assert_eq!(heard, [2, 4, 6]);
        assert!(matches!(asks.status(), WorkerStatus::Ended(Exit::Finished)), "{asks:?}");
    });
}

#[test]
fn a_refused_question_comes_back() {
    paused(async || {
        let panel = Panel::new();
        let cx = panel.context(RESTORE);
        drop(panel);
        let error = cx.request(|reply| Ask::Double { number: 9, reply }).await.err().unwrap();
        assert!(matches!(error.without_intent(), RequestError::Refused(SendError::Closed(()))));
        let error = cx.request(|reply| Ask::Double { number: 9, reply }).await.err().unwrap();
        assert_eq!(format!("{error:?}"), "Refused(Closed(..))");
        assert_eq!(error.to_string(), "the question was not sent");
        assert!(std::error::Error::source(&error).is_some());
        let Some(Ask::Double { number: 9, reply }) = error.into_intent() else { panic!("not the intent") };
        assert!(!reply.is_wanted(), "nothing waits for it any more");
    });
}

/// Cancelled at every await there is: before a slot was free, and while it waited for the answer.
#[test]
fn a_cancelled_request_has_delivered_the_question_or_dropped_it() {
    paused(async || {
        let mut panel = Panel::builder().capacity(2).build();
        let sender = panel.sender(RESTORE);
        while sender.try_send(Ask::Heard(0)).is_ok() {}
        let full = panel.queued();
        let cx = panel.context(RESTORE);
        let wakes = Wakes::new();
        {
            let mut waiting = Box::pin(cx.request(|reply| Ask::Double { number: 1, reply }));
            assert!(wakes.poll(waiting.as_mut()).is_pending());
        }
        assert_eq!(panel.drain().count(), full, "not delivered");
        {
            let mut waiting = Box::pin(cx.request(|reply| Ask::Double { number: 2, reply }));
            assert!(wakes.poll(waiting.as_mut()).is_pending());
        }
        let left: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
        let [Ask::Double { number: 2, reply }] = &left[..] else { panic!("not delivered once") };
        assert!(!reply.is_wanted());
    });
}

/// Nothing drains during a shutdown: a worker that asks would wait forever.
#[test]
fn a_worker_that_is_asked_to_stop_does_not_wait_for_an_answer() {
    paused(async || {
        let panel = Panel::new();
        let ended = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&ended);
        let worker = Worker::new("asks", RESTORE, move |cx: Context<Ask>| {
            let noted = Arc::clone(&noted);
            async move {
                let answer = cx.request(|reply| Ask::Double { number: 1, reply }).await;
                *noted.lock().unwrap() = Some(answer.map(|Opaque(answer)| answer).map_err(|error| {
                    assert!(error.to_string().contains("asked to stop"));
                    error.without_intent()
                }));
            }
        });
        panel.spawn(worker.cancel(Cancel::Cooperative).grace(Duration::MAX));
        sleep(MS).await;
        let report = panel.shutdown().await;
        assert!(report.is_clean(), "{report:?}");
        assert_eq!(ended.lock().unwrap().take(), Some(Err(RequestError::Stopped)));
    });
}

#[test]
fn the_panels_own_reply_wakes_a_sleeping_loop() {
    paused(async || {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let mut panel = Panel::builder()
            .on_ready(move || {
                counted.fetch_add(1, Ordering::SeqCst);
            })
            .build();
        let wakes = Wakes::new();
        for answered in [true, false] {
            let (reply, mut answer) = panel.reply::<u64>();
            {
                let mut ready = Box::pin(panel.wait_ready());
                assert!(wakes.poll(ready.as_mut()).is_pending());
                if answered {
                    reply.send(3);
                } else {
                    drop(reply);
                }
                assert_eq!((wakes.take(), calls.swap(0, Ordering::SeqCst)), (1, 1));
                assert!(wakes.poll(ready.as_mut()).is_ready());
            }
            assert_eq!(panel.drain().count(), 0, "an empty frame");
            assert_eq!(
                calls.swap(0, Ordering::SeqCst),
                1,
                "and one more, for a loop that looked before the drain"
            );
            assert_eq!((panel.drain().count(), calls.load(Ordering::SeqCst)), (0, 0));
            assert_eq!(answer.try_take(), Some(if answered { Ok(3) } else { Err(NoReply) }));
            assert!(wakes.poll(Box::pin(panel.wait_ready()).as_mut()).is_pending(), "and it sleeps again");
        }
    });
}

/// A task that is woken finds the answer, or that there will be none.
#[test]
fn the_wake_comes_after_what_it_tells_of() {
    for answered in [true, false] {
        let answer = Arc::new(Mutex::new(None::<Answer<u64>>));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (asked, noted) = (Arc::clone(&answer), Arc::clone(&seen));
        let look = move || {
            let taken = asked.lock().unwrap().as_mut().and_then(Answer::try_take);
            noted.lock().unwrap().push(taken);
        };
        let panel = Panel::builder().on_ready(look).build();
        let (reply, new) = panel.reply();
        *answer.lock().unwrap() = Some(new);
        if answered {
            reply.send(3);
        } else {
            drop(reply);
        }
        assert_eq!(*seen.lock().unwrap(), [Some(if answered { Ok(3) } else { Err(NoReply) })]);
    }
}

/// On threads, with a loop that only runs when it is woken: no answer is missed.
#[test]
fn no_answer_is_missed_by_a_loop_that_sleeps() {
    watched(|| {
        let runtime = threads(2);
        let mut panel = Panel::builder().runtime(runtime.handle().clone()).build();
        for round in 0..2_000 {
            let (reply, mut answer) = panel.reply::<u64>();
            runtime.spawn(async move { reply.send(round) });
            let got = loop {
                panel.drain().for_each(drop);
                if let Some(answer) = answer.try_take() {
                    break answer;
                }
                panel.wait_ready_timeout(Duration::MAX);
            };
            assert_eq!(got, Ok(round));
        }
    });
}

#[test]
fn a_blocking_question_runs_as_a_worker_and_is_polled_by_frame() {
    watched(|| {
        let mut panel = Panel::new();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let mut answer = panel.ask_blocking("dialog", IntentSource::LocalUI, move || {
            wait.recv().unwrap();
            Opaque(5)
        });
        assert!(answer.try_take().is_none());
        let names: Vec<_> = panel.workers().iter().map(|worker| worker.name().to_owned()).collect();
        assert_eq!((panel.worker_count(), names), (1, vec!["dialog".to_owned()]));
        go.send(()).unwrap();
        let got = loop {
            assert!(panel.wait_ready_timeout(Duration::MAX), "the answer wakes the loop");
            assert_eq!(panel.drain().count(), 0);
            if let Some(answer) = answer.try_take() {
                break answer;
            }
        };
        assert!(matches!(got, Ok(Opaque(5))));
        eventually("its worker ends", || panel.worker_count() == 0);
        assert!(panel.shutdown_blocking().is_clean());
    });
}

#[test]
fn a_blocking_question_that_panics_is_reported_with_its_place() {
    watched(|| {
        let panel = Panel::new();
        let line = line!() + 1;
        let answer = panel.ask_blocking("dialog", IntentSource::LocalUI, || -> u8 { panic!("no display") });
        let answer = threads(1).block_on(answer);
        assert_eq!(answer, Err(NoReply));
        eventually("its worker ends", || panel.worker_count() == 0);
        let report = panel.shutdown_blocking();
        let incident = report.incidents().next().unwrap();
        let Exit::Panicked(panic) = &incident.exit else { panic!("{incident:?}") };
        assert_eq!((incident.name.as_str(), panic.message()), ("dialog", "no display"));
        assert_eq!(panic.place().map(|place| place.line), Some(line));
    });
}

#[test]
fn a_blocking_question_whose_answer_was_dropped_is_not_begun() {
    paused(async || {
        let panel = Panel::new();
        let began = Arc::new(AtomicUsize::new(0));
        let noted = Arc::clone(&began);
        let ask = move || noted.fetch_add(1, Ordering::SeqCst);
        drop(panel.ask_blocking("withdrawn", RESTORE, ask.clone()));
        let answer = panel.ask_blocking("wanted", RESTORE, ask.clone()).await;
        assert_eq!((answer, began.load(Ordering::SeqCst)), (Ok(0), 1));
        assert!(panel.shutdown().await.is_clean());
        assert_eq!(panel.worker_count(), 0);
        let late = panel.ask_blocking("late", RESTORE, ask).await;
        assert_eq!((late, began.load(Ordering::SeqCst)), (Err(NoReply), 1));
    });
}
