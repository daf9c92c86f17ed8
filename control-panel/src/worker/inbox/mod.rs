//! A worker's inbox: commands from the frame loop, or from anybody with a handle, to a worker.
//!
//! The worker declares the type of its commands before it is spawned, and its handle bears that type: so a command of another
//! type does not compile where it is sent.
//!
//! It is made when it is first used, so that a worker without one costs next to nothing. It belongs to the worker and
//! not to a generation: what one generation did not take is taken by the next.

mod broadcast;
mod takes;

use std::{any::type_name, fmt, future::poll_fn, marker::PhantomData, sync::Arc};

pub use self::{broadcast::Broadcast, takes::NoInbox};
use crate::{
    intent::Intent,
    lifecycle::{error::CommandError, run_token::RunToken},
    supervisor::cell::WorkerCell,
    util::{
        deadline::{Raced, race},
        park,
    },
    worker::{WorkerHandle, context::Context},
};

/// A worker's end of its inbox: what [`Context::inbox`] returns.
///
/// The inbox belongs to the worker: a command that one generation did not take is taken by the next. When the worker
/// ends for good, what is left is dropped, and a [`Reply`](crate::Reply) among it says so.
pub struct Inbox<C> {
    cell: Arc<WorkerCell>,
    /// That of the generation that opened it.
    term: Arc<RunToken>,
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
        let commands = self.cell.inbox.commands::<C>().ok()?;
        let next = poll_fn(|cx| commands.poll_recv(self.number, cx));
        // Asked first: a worker that was told to stop does not begin something new.
        match race(self.term.token().cancelled(), next).await {
            Raced::First(()) => None,
            Raced::Second(command) => command,
        }
    }

    /// The next command, if there is one now. Also after the worker was told to stop.
    pub fn try_recv(&mut self) -> Option<C> {
        self.cell.inbox.commands::<C>().ok()?.try_recv(self.number)
    }

    /// Like [`recv`](Self::recv), for a thread that is not driving a runtime.
    ///
    /// # Panics
    /// In async code: use `recv().await` there.
    #[track_caller]
    pub fn recv_blocking(&mut self) -> Option<C> {
        park::assert_may_block("recv_blocking", "`recv().await`");
        park::wait(self.recv())
    }
}

impl<C> fmt::Debug for Inbox<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("worker", &self.cell.name)
            .field("command", &type_name::<C>())
            .finish_non_exhaustive()
    }
}

impl<I: Intent, P> Context<I, P> {
    /// This worker's inbox, for commands of the type that it declares: what [`WorkerHandle::send`] puts in.
    ///
    /// The type is declared by `#[worker(inbox = Type)]`, or by [`Worker::inbox`](crate::Worker::inbox): a worker has one inbox
    /// and one type of command. Open it once and keep it: a newer `Inbox` takes the place of an older one, which gets `None`.
    ///
    /// A context that belongs to no worker, as in a unit test, has an inbox of the type that is asked for first.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Found(String) }
    ///
    /// #[worker(source = IntentSource::Restore, inbox = String)]
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
    /// # while panel.queued() == 0 { std::thread::yield_now() }
    /// assert!(panel.drain().all(|queued| matches!(queued.intent, Update::Found(word) if word == "GATE")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// When the worker declares no inbox, or one of another type: in its first run, at the line that says so.
    #[track_caller]
    pub fn inbox<C: Send + 'static>(&self) -> Inbox<C> {
        let cell = self.cell();
        let number = match cell.inbox.commands::<C>() {
            Ok(commands) => commands.take_over(),
            Err(wrong) => panic!("{}", wrong.say(&cell.name, type_name::<C>())),
        };
        cell.inbox.close_if_closed();
        Inbox { cell: Arc::clone(cell), term: Arc::clone(self.term()), number, command: PhantomData }
    }
}

impl<C: Send + 'static> WorkerHandle<C> {
    /// Puts a command into the worker's inbox. Never waits and takes no lock: made for the frame loop.
    ///
    /// The worker takes it by [`Context::inbox`]. A command may be sent before the worker runs, and while it waits
    /// to be restarted. `Ok` says that it was put in, not that the worker will live to take it: put a
    /// [`Reply`](crate::Reply) into it to know.
    ///
    /// # Errors
    /// With the command handed back: the inbox is full, or the worker ended for good.
    pub fn send(&self, command: C) -> Result<(), CommandError<C>> {
        self.cell().inbox.send(command)
    }
}

impl<C> WorkerHandle<C> {
    /// The handle with the type of the worker's commands, where that is `D`: for one that was looked up by name.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// #[worker(source = IntentSource::Restore, inbox = String)]
    /// async fn search(cx: Context<Update>) {
    ///     let mut inbox = cx.inbox::<String>();
    ///     while let Some(word) = inbox.recv().await { /* … */ }
    /// }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// panel.spawn_search();
    /// let search = panel.worker("search").unwrap();
    /// assert!(search.typed::<u32>().is_none());
    /// search.typed::<String>().unwrap().send("gate".to_owned())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn typed<D: Send + 'static>(&self) -> Option<WorkerHandle<D>> {
        self.cell().inbox.takes::<D>().then(|| self.clone().retype())
    }

    /// The same handle without the type of its commands: to keep it beside those of other workers.
    pub fn untyped(&self) -> WorkerHandle {
        self.clone().retype()
    }
}
