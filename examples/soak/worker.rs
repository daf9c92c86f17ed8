//! Workers that do what workers should not: panic, fail, hang, flood, block, and end at random.

use std::{
    error::Error,
    fmt,
    future::pending,
    panic,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    Backoff, Context, GraphIntent, IntentSender, QueuedIntent, Reducer, Restart, Worker,
    supervision::{Cancel, Intensity, OnStuck},
};
use fastrand::Rng;
use tokio::time::sleep;

use crate::{
    account::{Account, Alive, Receipt},
    tally::Tally,
    witness::AFTER,
};

/// Whose intents they are: one source for each kind of worker, and one for what is sent from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Outside,
    Async,
    Local,
    Blocking,
    Thread,
    /// It does not listen, and is dropped when its grace is over.
    Deaf,
}

#[derive(Debug, GraphIntent)]
#[intent(source = Kind)]
pub(crate) enum Update {
    Said(Receipt),
}

/// Sees that every intent is handed out once and in order.
#[derive(Debug)]
pub(crate) struct Auditor;

impl Reducer for Auditor {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Said(receipt) = queued.intent;
        receipt.hand_out();
    }
}

/// A worker's own error.
#[derive(Debug)]
pub(crate) struct Mishap;

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mishap, at random")
    }
}

impl Error for Mishap {}

/// What a panic here says, so that the hook can tell it from one that is none of ours.
pub(crate) const PANIC: &str = "a panic, at random";

/// One act in so many is a jam: each holds a thread of the runtime for some dozen milliseconds.
const JAMS: u32 = 20_000;
/// A poll that lasts longer is one.
const STUCK: Duration = Duration::from_millis(20);
/// After this long, it counts as unnoticed.
const NEVER: Duration = Duration::from_secs(10);

/// What a worker does next.
enum Act {
    Say(u32),
    Flood(u32),
    Rest(Duration),
    /// Computes, and holds its thread meanwhile.
    Compute(Duration),
    /// Sleeps with its thread.
    Block(Duration),
    /// Waits forever: only a stop or a restart ends it.
    Hang,
    /// Holds its thread until it is asked to stop, which the watchdog does.
    Jam,
    Fail,
    Panic,
    /// Panics while it is dropped.
    PanicLate,
    Finish,
}

impl Act {
    fn next(rng: &mut Rng) -> Self {
        if rng.u32(0..JAMS) == 0 {
            return Self::Jam;
        }
        let micros = |rng: &mut Rng, most| Duration::from_micros(rng.u64(0..most));
        match rng.u8(0..100) {
            0..35 => Self::Say(rng.u32(1..8)),
            35..40 => Self::Flood(rng.u32(100..2_000)),
            40..75 => Self::Rest(micros(rng, 5_000)),
            75..80 => Self::Compute(micros(rng, 500)),
            80..83 => Self::Block(micros(rng, 1_000)),
            83..86 => Self::Hang,
            86..91 => Self::Fail,
            91..96 => Self::Panic,
            96..97 => Self::PanicLate,
            _ => Self::Finish,
        }
    }
}

/// One generation.
struct Life {
    cx: Context<Update>,
    account: Arc<Account>,
    rng: Rng,
    /// What it says is over when this is.
    _alive: Alive,
}

/// Panics when it is dropped, unless a panic is on its way already.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic::panic_any(PANIC);
        }
    }
}

impl Life {
    fn new(cx: Context<Update>, account: &Arc<Account>, rng: Rng) -> Self {
        let alive = account.begin(cx.generation());
        Self { cx, account: Arc::clone(account), rng, _alive: alive }
    }

    async fn send(&self) -> bool {
        let (number, receipt) = self.account.attempt(self.cx.generation());
        let sent = self.cx.send(Update::Said(receipt)).await;
        self.settle(number, sent.is_ok())
    }

    fn send_blocking(&self) -> bool {
        let (number, receipt) = self.account.attempt(self.cx.generation());
        self.settle(number, self.cx.send_blocking(Update::Said(receipt)).is_ok())
    }

    fn settle(&self, number: u64, accepted: bool) -> bool {
        if accepted {
            self.account.accepted(number);
        } else {
            self.account.refused(number);
        }
        accepted
    }

    /// An async generation. A deaf one goes on when it is asked to stop.
    async fn run(mut self, deaf: bool) -> Result<(), Mishap> {
        loop {
            match Act::next(&mut self.rng) {
                Act::Say(times) | Act::Flood(times) => {
                    for _ in 0..times {
                        if !self.send().await && !deaf {
                            return Ok(());
                        }
                    }
                }
                Act::Rest(time) => sleep(time).await,
                Act::Compute(time) => compute(time),
                Act::Block(time) => thread::sleep(time),
                Act::Hang => pending().await,
                Act::Jam if deaf => {}
                Act::Jam => self.account.jam(|| self.cx.is_cancelled(), NEVER),
                Act::Fail => return Err(Mishap),
                Act::Panic => panic::panic_any(PANIC),
                Act::PanicLate => {
                    let _late = Late;
                    sleep(Duration::from_micros(200)).await;
                }
                Act::Finish => return Ok(()),
            }
        }
    }

    /// A generation on a thread where it may block. It listens between two acts.
    fn run_blocking(mut self) -> Result<(), Mishap> {
        while !self.cx.is_cancelled() {
            match Act::next(&mut self.rng) {
                Act::Say(times) | Act::Flood(times) => {
                    for _ in 0..times {
                        if self.cx.is_cancelled() || !self.send_blocking() {
                            return Ok(());
                        }
                    }
                }
                Act::Rest(time) | Act::Block(time) => thread::sleep(time),
                Act::Compute(time) => compute(time),
                // They may block.
                Act::Jam => {}
                Act::Hang => drop(self.cx.cancelled_timeout(Duration::MAX)),
                Act::Fail => return Err(Mishap),
                Act::Panic | Act::PanicLate => panic::panic_any(PANIC),
                Act::Finish => return Ok(()),
            }
        }
        Ok(())
    }
}

fn compute(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// A worker at random, number `number` of all, that may come after another.
pub(crate) fn worker(number: u64, after: Option<&str>, mut rng: Rng, tally: &Arc<Tally>) -> Worker<Update> {
    let kind = match rng.u8(0..100) {
        0..60 => Kind::Async,
        60..75 => Kind::Local,
        75..83 => Kind::Blocking,
        83..91 => Kind::Thread,
        _ => Kind::Deaf,
    };
    let mut name = format!("{}-{number}", format!("{kind:?}").to_lowercase());
    if let Some(after) = after {
        name = name + AFTER + after;
    }
    let account = Account::new(name.clone(), tally);
    let restart = match rng.u8(0..10) {
        0..2 => Restart::Never,
        2..6 => Restart::OnFailure,
        _ => Restart::Always,
    };
    let wait = Duration::from_micros(rng.u64(0..3_000));
    let intensity = Intensity::new(rng.u32(1..200), Duration::from_secs(1));
    let mut life = move |cx| Life::new(cx, &account, rng.fork());
    let worker = match kind {
        Kind::Outside | Kind::Async => Worker::new(name, kind, move |cx| life(cx).run(false)),
        Kind::Deaf => Worker::new(name, kind, move |cx| life(cx).run(true))
            .cancel(Cancel::Cooperative)
            .grace(Duration::from_millis(20)),
        Kind::Local => Worker::local(name, kind, move |cx| life(cx).run(false)),
        Kind::Blocking => Worker::blocking(name, kind, move |cx| life(cx).run_blocking()),
        Kind::Thread => Worker::thread(name, kind, move |cx| life(cx).run_blocking()),
    };
    let worker = worker
        .restart(restart)
        .intensity(intensity)
        .backoff(Backoff::new(wait, 8 * wait))
        .stuck_after(STUCK)
        .on_stuck(OnStuck::Restart);
    match after {
        Some(after) => worker.after(after.to_owned()),
        None => worker,
    }
}

/// Somebody who sends from outside any worker, and never waits.
#[derive(Debug)]
pub(crate) struct Outsider {
    sender: IntentSender<Update>,
    account: Arc<Account>,
}

impl Outsider {
    pub(crate) fn new(sender: IntentSender<Update>, number: u64, tally: &Arc<Tally>) -> Self {
        Self { sender, account: Account::new(format!("outsider-{number}"), tally) }
    }

    pub(crate) fn send(&self) {
        let (number, receipt) = self.account.attempt(0);
        match self.sender.try_send(Update::Said(receipt)) {
            Ok(()) => self.account.accepted(number),
            Err(_) => self.account.refused(number),
        }
    }
}
