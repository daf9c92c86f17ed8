//! Where the public types may go: to other threads, moved or pinned, and across a caught panic. Compiling is the test,
//! whatever the intent, the policy and the command are.

use std::panic::{RefUnwindSafe, UnwindSafe};

use control_panel::{
    Context, ControlPanel, Delta, Frame, Intent, IntentSender, PanelBuilder, PanelStatus, PolicyWatch,
    SendError, ShutdownReport, SignalBus, Spawner, TrySendError, Worker, WorkerHandle,
    bus::{Received, Signal, Subscription},
    context::Gate,
    events::{Event, Events},
    panel::Workers,
    queue::Permits,
    requests::{Answer, Inbox, Reply},
    signals::Stop,
    supervision::{Group, GroupBuilder, Tasks},
};
use tests::Mark;

#[test]
fn every_type_goes_to_other_threads_and_need_not_stay_in_its_place() {
    fn send<T: Send + Unpin>() {}
    fn shared<T: Send + Sync + Unpin>() {}
    fn whatever<I: Intent, P: Send + Sync + 'static, K: Send, C: Send>() {
        shared::<IntentSender<I>>();
        shared::<Permits<I>>();
        shared::<Context<I, P>>();
        shared::<PolicyWatch<P>>();
        shared::<Spawner<I, P>>();
        shared::<Tasks<I, P, K>>();
        shared::<Reply<C>>();
        shared::<Inbox<C>>();
        shared::<WorkerHandle<C>>();
        send::<Answer<C>>();
        send::<GroupBuilder<I, P>>();
    }
    // Signals are shared.
    fn announced<S: Send + Sync + 'static, I: Intent<Source: Unpin>>() {
        shared::<SignalBus<S, I::Source>>();
        shared::<Subscription<S, I::Source>>();
        shared::<Signal<S, I::Source>>();
        shared::<Received<S, I::Source>>();
    }
    // Those that hold intents are as movable as these.
    fn holding<I: Intent<Source: Unpin> + Unpin, P: Send + Sync + 'static>() {
        shared::<ControlPanel<I, P>>();
        send::<Worker<I, P>>();
        send::<Frame<I>>();
        send::<PanelBuilder<I, P>>();
    }
    whatever::<Mark, String, u8, std::cell::Cell<u8>>();
    holding::<Mark, String>();
    announced::<String, Mark>();
    shared::<WorkerHandle>();
    shared::<Group>();
    shared::<Gate>();
    shared::<Events>();
    shared::<Event>();
    shared::<PanelStatus>();
    shared::<Workers>();
    shared::<ShutdownReport>();
    shared::<Stop>();
}

#[test]
fn futures_and_errors_go_where_they_are_promised_to() {
    fn future<F: Future + Send>(_: F) {}
    fn error<E: std::error::Error + 'static>() {}
    let panel = ControlPanel::<Mark>::new();
    future(panel.sender(0).send(Mark::new(0)));
    future(panel.shutdown());
    // An error is one, and shows itself, whatever the intent is.
    error::<SendError<Mark>>();
    error::<TrySendError<Mark>>();
}

/// As std's `Arc` and channels: what is shared with the user (the policy) counts, what is handed over does not.
#[test]
fn every_handle_may_be_used_on_after_a_panic_that_was_caught() {
    fn unwinds<T: UnwindSafe + RefUnwindSafe>() {}
    fn whatever<I: Intent, P: Send + Sync + RefUnwindSafe + 'static, K, C>() {
        unwinds::<IntentSender<I>>();
        unwinds::<Permits<I>>();
        unwinds::<Context<I, P>>();
        unwinds::<PolicyWatch<P>>();
        unwinds::<Spawner<I, P>>();
        unwinds::<Tasks<I, P, K>>();
        unwinds::<ControlPanel<I, P>>();
        unwinds::<Frame<I>>();
        unwinds::<Reply<C>>();
        unwinds::<Answer<C>>();
        unwinds::<Inbox<C>>();
        unwinds::<WorkerHandle<C>>();
    }
    fn announced<S: Send + Sync + RefUnwindSafe + 'static, I: Intent>() {
        unwinds::<SignalBus<S, I::Source>>();
        unwinds::<Subscription<S, I::Source>>();
        unwinds::<Signal<S, I::Source>>();
    }
    fn exchanged<Op: Send + Sync + RefUnwindSafe + 'static>() {
        unwinds::<Delta<Op>>();
    }
    exchanged::<String>();
    announced::<String, Mark>();
    whatever::<Mark, String, u8, std::cell::Cell<u8>>();
    unwinds::<WorkerHandle>();
    unwinds::<Group>();
    unwinds::<Gate>();
    unwinds::<Events>();
    unwinds::<Stop>();
}
