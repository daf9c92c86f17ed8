//! A worker's inbox: commands from the frame loop, or from anybody with a handle, to a worker.
//!
//! Whoever comes first makes it, so that a worker without one costs next to nothing. It belongs to the worker and
//! not to a generation: what one generation did not take is taken by the next.

mod cell;

use std::{any::type_name, fmt, future::poll_fn, marker::PhantomData, sync::Arc};

pub(crate) use self::cell::{CAPACITY, InboxCell};
use crate::{
    blocking,
    context::Context,
    error::{CommandError, wrong_type},
    intent::Intent,
    supervise::{
        cause::Term,
        deadline::{Raced, race},
        record::Record,
    },
    worker::WorkerHandle,
};

/// A worker's end of its inbox: what [`Context::inbox`] returns.
///
/// The inbox belongs to the worker: a command that one generation did not take is taken by the next. When the worker
/// ends for good, what is left is dropped, and a [`Reply`](crate::Reply) among it says so.
pub struct Inbox<C> {
    record: Arc<Record>,
    /// That of the generation that opened it.
    term: Arc<Term>,
    number: u64,
    command: PhantomData<fn() -> C>,
}

impl<C: Send + 'static> Inbox<C> {
    /// Waits for the next command. `None` when the worker was told to stop, ended, or opened a newer inbox.
    ///
    /// A worker that is told to stop gets `None` even if commands are left: [`try_recv`](Self::try_recv) still
    /// takes them.
    ///
    /// # Cancel safety
    /// Cancel-safe: a command that a cancelled call would have returned is returned by the next one.
    pub async fn recv(&mut self) -> Option<C> {
        let commands = self.record.inbox.commands::<C>().ok()?;
        let next = poll_fn(|cx| commands.poll_recv(self.number, cx));
        // Asked first: a worker that was told to stop does not begin something new.
        match race(self.term.token().cancelled(), next).await {
            Raced::First(()) => None,
            Raced::Second(command) => command,
        }
    }

    /// The next command, if there is one now. Also after the worker was told to stop.
    pub fn try_recv(&mut self) -> Option<C> {
        self.record.inbox.commands::<C>().ok()?.try_recv(self.number)
    }

    /// Like [`recv`](Self::recv), for a thread that is not driving a runtime.
    ///
    /// # Panics
    /// In async code: use `recv().await` there.
    #[track_caller]
    pub fn recv_blocking(&mut self) -> Option<C> {
        blocking::assert_may_block("recv_blocking", "`recv().await`");
        blocking::wait(self.recv())
    }
}

impl<C> fmt::Debug for Inbox<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("worker", &self.record.name)
            .field("command", &type_name::<C>())
            .finish_non_exhaustive()
    }
}

impl<I: Intent, P> Context<I, P> {
    /// This worker's inbox, for commands of type `C`: what [`WorkerHandle::send`] puts in.
    ///
    /// A worker has one inbox and one type of command; whoever comes first, the sender or the worker, decides the
    /// type. Open it once and keep it: a newer `Inbox` takes the place of an older one, which gets `None`.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Found(String) }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn search(cx: Context<Update>) {
    ///     let mut inbox = cx.inbox::<String>();
    ///     while let Some(word) = inbox.recv().await {
    ///         cx.send(Update::Found(word.to_uppercase())).await.ok();
    ///     }
    /// }
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let search = panel.spawn_search();
    /// search.send("gate".to_owned())?; // never waits
    /// # panel.wait_ready_timeout(std::time::Duration::MAX);
    /// assert!(panel.drain().all(|queued| matches!(queued.intent, Update::Found(word) if word == "GATE")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// When a command of another type was sent, or the worker opened an inbox of another type, before.
    #[track_caller]
    pub fn inbox<C: Send + 'static>(&self) -> Inbox<C> {
        let record = self.record();
        let number = match record.inbox.commands::<C>() {
            Ok(commands) => commands.take_over(),
            Err(takes) => panic!("{}", wrong_type(takes, type_name::<C>())),
        };
        record.inbox.close_if_closed();
        Inbox { record: Arc::clone(record), term: Arc::clone(self.term()), number, command: PhantomData }
    }
}

impl WorkerHandle {
    /// Puts a command into the worker's inbox. Never waits and takes no lock: made for the frame loop.
    ///
    /// The worker takes it by [`Context::inbox`]. A command may be sent before the worker runs, and while it waits
    /// to be restarted. `Ok` says that it was put in, not that the worker will live to take it: put a
    /// [`Reply`](crate::Reply) into it to know.
    ///
    /// # Errors
    /// With the command handed back: the inbox is full, the worker ended for good, or takes another type.
    pub fn send<C: Send + 'static>(&self, command: C) -> Result<(), CommandError<C>> {
        self.record().inbox.send(command)
    }
}
