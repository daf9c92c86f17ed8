//! A worker's inbox (its mailbox): commands from the frame loop, or any other holder of a handle, to a worker.
//!
//! The worker declares the type of its commands before it is spawned, and its handle carries that type, so sending a command of
//! another type does not compile.
//!
//! The inbox is created on first use, so a worker without one costs next to nothing. It belongs to the worker, not to a run:
//! commands that one run did not take are left for the next.

mod broadcast;
mod takes;

use std::{any::type_name, fmt, future::poll_fn, marker::PhantomData, sync::Arc};

pub use self::{broadcast::Broadcast, takes::NoInbox};
use crate::{
    intent::Intent,
    lifecycle::{CommandError, RunToken},
    supervisor::cell::WorkerCell,
    util::{Raced, park, race},
    worker::{WorkerHandle, context::Context},
};

/// The receiving end of a worker's inbox. Created by [`Context::inbox`].
///
/// The inbox belongs to the worker: a command that one run did not take is left for the next. When the worker ends for good,
/// remaining commands are dropped, which resolves a [`Reply`](crate::requests::Reply) in them as unanswered.
#[doc(alias = "mailbox")]
#[doc(alias = "channel")]
pub struct Inbox<C> {
    cell: Arc<WorkerCell>,
    /// The token of the run that opened it.
    run_token: Arc<RunToken>,
    number: u64,
    command: PhantomData<fn() -> C>,
}

impl<C: Send + 'static> Inbox<C> {
    /// Waits for the next command. Returns `None` once the worker is asked to stop, has ended, or has opened a newer inbox.
    ///
    /// A worker that is asked to stop gets `None` even if commands remain: [`try_recv`](Self::try_recv) still takes them.
    ///
    /// # Cancel safety
    /// Cancel-safe: a command that a cancelled call would have returned is returned by the next one.
    pub async fn recv(&mut self) -> Option<C> {
        let commands = self.cell.inbox.commands::<C>().ok()?;
        let next = poll_fn(|cx| commands.poll_recv(self.number, cx));
        // Checked first: a worker that is asked to stop does not begin anything new.
        match race(self.run_token.token().cancelled(), next).await {
            Raced::First(()) => None,
            Raced::Second(command) => command,
        }
    }

    /// Returns the next command, if there is one now. Still works after the worker was asked to stop.
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

/// # Commands
impl<I: Intent, P> Context<I, P> {
    /// Opens this worker's inbox for commands of its declared type, which [`WorkerHandle::send`] sends.
    ///
    /// The type is declared by `#[worker(inbox = Type)]`, or by [`Worker::inbox`](crate::Worker::inbox): a worker has one inbox
    /// and one type of command. Open it once and keep it: a newer `Inbox` replaces an older one, which gets `None`.
    ///
    /// In a context that belongs to no worker, as in a unit test, the first call determines the type.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Found(String),
    /// }
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
    /// assert!(panel.drain().all(
    ///     |queued| matches!(queued.intent, Update::Found(word) if word == "GATE")
    /// ));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If the worker declares no inbox, or one of another type: already in its first run, with the line of the mismatch.
    #[track_caller]
    pub fn inbox<C: Send + 'static>(&self) -> Inbox<C> {
        let cell = self.cell();
        let number = match cell.inbox.commands::<C>() {
            Ok(commands) => commands.take_over(),
            Err(wrong) => panic!("{}", wrong.say(&cell.name, type_name::<C>())),
        };
        cell.inbox.close_if_closed();
        Inbox {
            cell: Arc::clone(cell),
            run_token: Arc::clone(self.run_token()),
            number,
            command: PhantomData,
        }
    }
}

/// # Commands
impl<C: Send + 'static> WorkerHandle<C> {
    /// Sends a command to the worker's inbox. Never waits and takes no lock: made for the frame loop.
    ///
    /// The worker receives it by [`Context::inbox`]. A command may be sent before the worker runs, and while it waits to be
    /// restarted. `Ok` means that the inbox accepted the command, not that the worker will live to take it: include a
    /// [`Reply`](crate::requests::Reply) to know.
    ///
    /// # Errors
    /// Returns the command: the inbox is full, or the worker has ended for good.
    pub fn send(&self, command: C) -> Result<(), CommandError<C>> {
        self.cell().inbox.send(command)
    }
}

impl<C> WorkerHandle<C> {
    /// Returns the handle with the type of the worker's commands, if that is `D`: for a handle that was looked up by name.
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

    /// Erases the type of its commands, to keep the handle beside those of other workers.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use control_panel::WorkerHandle;
    /// #[worker(source = IntentSource::Restore, inbox = u32)]
    /// async fn counts(cx: Context<Update>) {
    ///     cx.cancelled().await
    /// }
    /// let panel = ControlPanel::<Update>::new();
    /// let counts = panel.spawn_counts(); // a `WorkerHandle<u32>`
    /// let all: Vec<WorkerHandle> = vec![counts.untyped()]; // of any type
    /// assert!(all[0].typed::<u32>().is_some());
    /// ```
    pub fn untyped(&self) -> WorkerHandle {
        self.clone().retype()
    }
}
