//! One command to all workers of a name.

use std::fmt;

use crate::{lifecycle::CommandError, worker::WorkerHandle};

/// The outcome of a command sent to several workers, returned by
/// [`ControlPanel::broadcast_command`](crate::ControlPanel::broadcast_command).
///
/// Each worker of the given name appears once, in one of the three lists.
#[non_exhaustive]
#[must_use = "a command that was refused is handed back here"]
pub struct Broadcast<C> {
    /// Workers whose inbox accepted it, in spawning order.
    pub accepted: Vec<WorkerHandle<C>>,
    /// Workers whose inbox is full, or that have just ended, each with its copy of the command and the reason.
    pub refused: Vec<(WorkerHandle<C>, CommandError<C>)>,
    /// Workers with an inbox of another type, or none: nothing was sent to them.
    pub skipped: Vec<WorkerHandle>,
}

impl<C> Broadcast<C> {
    /// Returns whether every worker of that name accepted it. Also `true` if there is none.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// #[worker(source = IntentSource::Restore, inbox = u32)]
    /// async fn counts(cx: Context<Update>) {
    ///     cx.cancelled().await
    /// }
    /// let panel = ControlPanel::<Update>::new();
    /// panel.spawn_counts();
    /// panel.spawn_counts();
    /// let sent = panel.broadcast_command("counts", 7_u32);
    /// assert!(sent.is_complete() && sent.accepted.len() == 2);
    /// ```
    pub fn is_complete(&self) -> bool {
        self.refused.is_empty() && self.skipped.is_empty()
    }
}

impl<C: Clone + Send + 'static> Broadcast<C> {
    /// Each worker gets a clone, except the last, which gets the command itself.
    pub(crate) fn send(workers: Vec<WorkerHandle>, command: C) -> Self {
        let mut sent = Self { accepted: Vec::new(), refused: Vec::new(), skipped: Vec::new() };
        let mut typed = Vec::with_capacity(workers.len());
        for worker in workers {
            match worker.typed::<C>() {
                Some(worker) => typed.push(worker),
                None => sent.skipped.push(worker),
            }
        }
        if let Some(last) = typed.pop() {
            for worker in typed {
                sent.put(worker, command.clone());
            }
            sent.put(last, command);
        }
        sent
    }

    fn put(&mut self, worker: WorkerHandle<C>, command: C) {
        match worker.send(command) {
            Ok(()) => self.accepted.push(worker),
            Err(refused) => self.refused.push((worker, refused)),
        }
    }
}

// Without `C: Debug`, like its errors.
impl<C> fmt::Debug for Broadcast<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("accepted", &self.accepted)
            .field("refused", &self.refused)
            .field("skipped", &self.skipped)
            .finish()
    }
}
