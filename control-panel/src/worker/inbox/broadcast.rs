//! One command to all instances of a worker.

use std::fmt;

use crate::{lifecycle::error::CommandError, worker::WorkerHandle};

/// What became of a command that was sent to several workers: what
/// [`ControlPanel::broadcast_command`](crate::ControlPanel::broadcast_command) returns.
///
/// It names each worker of the name that was given, once: in one of the three.
#[non_exhaustive]
#[must_use = "a command that was refused is handed back here"]
pub struct Broadcast<C> {
    /// Those whose inbox took it, in the order of their spawning.
    pub accepted: Vec<WorkerHandle<C>>,
    /// Those whose inbox is full, or that have just ended, each with its copy of the command and why.
    pub refused: Vec<(WorkerHandle<C>, CommandError<C>)>,
    /// Those with an inbox of another type, or none: nothing was sent to them.
    pub skipped: Vec<WorkerHandle>,
}

impl<C> Broadcast<C> {
    /// Whether every worker of that name took it. Also where there is none.
    pub fn is_complete(&self) -> bool {
        self.refused.is_empty() && self.skipped.is_empty()
    }
}

impl<C: Clone + Send + 'static> Broadcast<C> {
    /// Each gets a clone, but for the last: that one gets the command itself.
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

// Without `C: Debug`, as its errors.
impl<C> fmt::Debug for Broadcast<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("accepted", &self.accepted)
            .field("refused", &self.refused)
            .field("skipped", &self.skipped)
            .finish()
    }
}
