//! Who may be used on after a panic that somebody caught ([`catch_unwind`](std::panic::catch_unwind)): all handles, as std's
//! `Arc` and channels may.
//!
//! The compiler cannot see it where there is a cell, or a hook of somebody's, within. It holds because no lock is held while
//! hooks, wakers or destructors of the user's run, each change under one is whole, so that a poisoned one is as good as any,
//! and a frame that a panic cut short is finished by the next (`tests/exactly_once.rs`).
//!
//! What is the user's is not vouched for. A policy is handed out shared, so it counts, as in an `Arc`, and so do signals; intents, commands and
//! answers are handed over, so they do not, as in a channel. What holds closures (workers, builders, groups to be started) and
//! errors (events, exits, reports) is as the compiler says.

use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::{
    bus::{Buses, Signal, SignalBus, Subscription},
    frame::Frame,
    intent::Intent,
    lifecycle::run_token::RunToken,
    panel::{ControlPanel, shared::Shared},
    queue::{Port, Queue},
    supervisor::{cell::WorkerCell, events::Log},
    worker::reply::{Answer, Reply},
};

// What handles share.
impl<Src> RefUnwindSafe for Buses<Src> {}
impl<I: Intent> RefUnwindSafe for Port<I> {}
impl<I: Intent> RefUnwindSafe for Queue<I> {}
impl<I: Intent, P: RefUnwindSafe> RefUnwindSafe for Shared<I, P> {}
impl RefUnwindSafe for Log {}
impl RefUnwindSafe for WorkerCell {}
impl RefUnwindSafe for RunToken {}

impl<I: Intent, P: RefUnwindSafe> UnwindSafe for ControlPanel<I, P> {}
impl<I: Intent, P: RefUnwindSafe> RefUnwindSafe for ControlPanel<I, P> {}

// Signals are shared among those who listen, so they count.
impl<S: RefUnwindSafe, Src> UnwindSafe for Signal<S, Src> {}
impl<S: RefUnwindSafe, Src> RefUnwindSafe for Signal<S, Src> {}
impl<S: RefUnwindSafe, Src> UnwindSafe for SignalBus<S, Src> {}
impl<S: RefUnwindSafe, Src> RefUnwindSafe for SignalBus<S, Src> {}
impl<S: RefUnwindSafe, Src> UnwindSafe for Subscription<S, Src> {}
impl<S: RefUnwindSafe, Src> RefUnwindSafe for Subscription<S, Src> {}

// Nobody sees an intent or an answer in these before it is handed over.
impl<I: Intent> UnwindSafe for Frame<I> {}
impl<I: Intent> RefUnwindSafe for Frame<I> {}
impl<T> UnwindSafe for Reply<T> {}
impl<T> RefUnwindSafe for Reply<T> {}
impl<T> UnwindSafe for Answer<T> {}
impl<T> RefUnwindSafe for Answer<T> {}
