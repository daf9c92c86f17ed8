//! Unwind safety: which types remain usable after a caught panic ([`catch_unwind`](std::panic::catch_unwind)). All handles do,
//! like std's `Arc` and channels.
//!
//! The compiler cannot infer it where a cell or a user's hook is inside. It holds because no lock is held while the user's
//! hooks, wakers or destructors run; because each change under a lock is complete, so a poisoned lock is as good as any; and
//! because the next frame finishes a frame that a panic cut short (`tests/exactly_once.rs`).
//!
//! The user's own types are not vouched for. A policy is shared, so its unwind safety is required, as in an `Arc`, and so is
//! that of signals. Intents, commands and answers are handed over, so theirs is not, as in a channel. For types that hold
//! closures (workers, builders, groups not started yet) and errors (events, exits, reports), the compiler's verdict stands.

use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::{
    bus::{Buses, Signal, SignalBus, Subscription},
    frame::Frame,
    intent::Intent,
    lifecycle::RunToken,
    panel::{ControlPanel, shared::Shared},
    queue::{Producer, Queue},
    supervisor::{cell::WorkerCell, events::Log},
    worker::reply::{Answer, Reply},
};

// State shared by handles.
impl<Src> RefUnwindSafe for Buses<Src> {}
impl<I: Intent> RefUnwindSafe for Producer<I> {}
impl<I: Intent> RefUnwindSafe for Queue<I> {}
impl<I: Intent, P: RefUnwindSafe> RefUnwindSafe for Shared<I, P> {}
impl RefUnwindSafe for Log {}
impl RefUnwindSafe for WorkerCell {}
impl RefUnwindSafe for RunToken {}

impl<I: Intent, P: RefUnwindSafe> UnwindSafe for ControlPanel<I, P> {}
impl<I: Intent, P: RefUnwindSafe> RefUnwindSafe for ControlPanel<I, P> {}

// Signals are shared among subscribers, so their unwind safety is required.
impl<S: RefUnwindSafe, Src> UnwindSafe for Signal<S, Src> {}
impl<S: RefUnwindSafe, Src> RefUnwindSafe for Signal<S, Src> {}
impl<S: RefUnwindSafe, Src> UnwindSafe for SignalBus<S, Src> {}
impl<S: RefUnwindSafe, Src> RefUnwindSafe for SignalBus<S, Src> {}
impl<S: RefUnwindSafe, Src> UnwindSafe for Subscription<S, Src> {}
impl<S: RefUnwindSafe, Src> RefUnwindSafe for Subscription<S, Src> {}

// Nothing observes an intent or an answer in these before it is handed over.
impl<I: Intent> UnwindSafe for Frame<I> {}
impl<I: Intent> RefUnwindSafe for Frame<I> {}
impl<T> UnwindSafe for Reply<T> {}
impl<T> RefUnwindSafe for Reply<T> {}
impl<T> UnwindSafe for Answer<T> {}
impl<T> RefUnwindSafe for Answer<T> {}
