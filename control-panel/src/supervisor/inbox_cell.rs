//! A worker's inbox, as its cell holds it: the type that it accepts, and the queue of commands.

mod takes;

use std::{
    any::{Any, type_name},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering, fence},
    },
    task::{Context, Poll, Waker},
};

pub(crate) use self::takes::{InboxOptions, Takes, WrongInbox};
use tokio::sync::{
    Semaphore,
    mpsc::{self, error::TrySendError},
};

use crate::{
    lifecycle::CommandError,
    util::{Mutex, PanicReport, panics},
};

/// The inbox of one worker, type-erased.
pub(crate) struct InboxCell {
    takes: Takes,
    capacity: usize,
    line: OnceLock<Box<dyn Line>>,
    closed: AtomicBool,
}

/// A queue of commands without their type.
trait Line: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn command(&self) -> &'static str;
    /// Refuses further commands and drops those that it holds. Returns the panic of a drop.
    fn close(&self) -> Option<PanicReport>;
}

impl InboxCell {
    pub(crate) fn new(options: InboxOptions) -> Self {
        let InboxOptions { takes, capacity } = options;
        Self {
            takes,
            capacity: capacity.clamp(1, Semaphore::MAX_PERMITS),
            line: OnceLock::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// The worker ended for good: refuses further commands and drops those held. The drops are the user's code, so this
    /// must not be called under a lock. Returns the panic of one.
    pub(crate) fn close(&self) -> Option<PanicReport> {
        self.closed.store(true, Ordering::Relaxed);
        self.close_if_closed()
    }

    /// Called after every send. Whatever the order of a send and the close, one of the two sees the other.
    pub(crate) fn close_if_closed(&self) -> Option<PanicReport> {
        fence(Ordering::SeqCst);
        if self.closed.load(Ordering::Relaxed) { self.line.get()?.close() } else { None }
    }

    pub(crate) fn send<C: Send + 'static>(&self, command: C) -> Result<(), CommandError<C>> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(CommandError::Ended(command));
        }
        let Ok(commands) = self.commands::<C>() else {
            debug_assert!(false, "a handle's type is that of its worker's inbox");
            return Err(CommandError::Ended(command));
        };
        let sent = commands.sender.try_send(command);
        self.close_if_closed();
        sent.map_err(|refused| match refused {
            TrySendError::Full(command) => CommandError::Full(command),
            TrySendError::Closed(command) => CommandError::Ended(command),
        })
    }

    /// Whether it accepts commands of this type. If it accepts any, this call decides the type.
    pub(crate) fn takes<C: Send + 'static>(&self) -> bool {
        self.commands::<C>().is_ok()
    }

    /// Returns the queue, or why there is none of this type.
    pub(crate) fn commands<C: Send + 'static>(&self) -> Result<&Commands<C>, WrongInbox> {
        if !self.takes.takes::<C>() {
            return Err(match self.takes {
                Takes::Only(_, takes) => WrongInbox::Declared(takes),
                Takes::Nothing | Takes::Anything => WrongInbox::Undeclared,
            });
        }
        if self.line.get().is_none() {
            // Another thread may have been faster: its queue stays.
            self.line.set(Box::new(Commands::<C>::new(self.capacity))).ok();
        }
        let line = self.line.get().map(|line| (line.as_any().downcast_ref(), line.command()));
        match line {
            Some((Some(commands), _)) => Ok(commands),
            Some((None, takes)) => Err(WrongInbox::Opened(takes)),
            None => unreachable!("it was set above"),
        }
    }
}

/// A queue of commands of one type. Senders never take its lock.
pub(crate) struct Commands<C> {
    sender: mpsc::Sender<C>,
    receiving: Mutex<Receiving<C>>,
}

struct Receiving<C> {
    receiver: mpsc::Receiver<C>,
    /// The number of the inbox that receives.
    newest: u64,
    /// The waker of the receiving task. The channel does not always hold it, so it is kept here too.
    waiting: Option<Waker>,
}

impl<C> Commands<C> {
    fn new(capacity: usize) -> Self {
        let (sender, receiver) = mpsc::channel(capacity);
        Self { sender, receiving: Mutex::new(Receiving { receiver, newest: 0, waiting: None }) }
    }

    /// Returns the number of a new inbox, which replaces the previous one.
    pub(crate) fn take_over(&self) -> u64 {
        let mut receiving = self.receiving.lock();
        receiving.newest += 1;
        let (number, before) = (receiving.newest, receiving.waiting.take());
        drop(receiving);
        before.into_iter().for_each(Waker::wake);
        number
    }

    pub(crate) fn poll_recv(&self, number: u64, cx: &mut Context<'_>) -> Poll<Option<C>> {
        let mut receiving = self.receiving.lock();
        if receiving.newest != number {
            return Poll::Ready(None);
        }
        let polled = receiving.receiver.poll_recv(cx);
        let waiting = polled.is_pending().then(|| cx.waker().clone());
        let before = std::mem::replace(&mut receiving.waiting, waiting);
        drop(receiving);
        drop(before);
        polled
    }

    pub(crate) fn try_recv(&self, number: u64) -> Option<C> {
        let mut receiving = self.receiving.lock();
        if receiving.newest == number { receiving.receiver.try_recv().ok() } else { None }
    }
}

impl<C: Send + 'static> Line for Commands<C> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn command(&self) -> &'static str {
        type_name::<C>()
    }

    fn close(&self) -> Option<PanicReport> {
        let mut receiving = self.receiving.lock();
        receiving.receiver.close();
        let mut left = Vec::new();
        while let Ok(command) = receiving.receiver.try_recv() {
            left.push(command);
        }
        let waiting = receiving.waiting.take();
        drop(receiving);
        // This may be a foreign waker, and its panic is not a command's. The hook has reported it.
        waiting.and_then(|waiting| panics::catch(|| waiting.wake()).err());
        // One at a time: a drop that panics does not affect the other commands.
        left.into_iter().filter_map(|command| panics::catch(|| drop(command)).err()).last()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        hint,
        sync::{Arc, atomic::AtomicUsize},
        thread,
    };

    use super::*;

    /// A command is the first, or gets its slot, while another thread closes the inbox.
    #[test]
    fn a_command_sent_while_the_inbox_closes_is_refused_or_dropped() {
        const ROUNDS: usize = 20_000;
        let options = InboxOptions { takes: Takes::only::<Arc<()>>(), capacity: 1 };
        let cells: Vec<_> = (0..ROUNDS).map(|_| InboxCell::new(options)).collect();
        let witness = Arc::new(());
        let (closer, sender) = (AtomicUsize::new(0), AtomicUsize::new(0));
        // Both threads begin a round together, one slightly before or after the other.
        let meet = |own: &AtomicUsize, other: &AtomicUsize, round: usize, wait: usize| {
            own.store(round + 1, Ordering::SeqCst);
            let mut spun = 0;
            while other.load(Ordering::SeqCst) <= round {
                spun += 1;
                if spun % 1_000 == 0 { thread::yield_now() } else { hint::spin_loop() }
            }
            (0..wait).for_each(|_| hint::spin_loop());
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                for (round, cell) in cells.iter().enumerate() {
                    meet(&closer, &sender, round, round % 64);
                    cell.close();
                }
            });
            for (round, cell) in cells.iter().enumerate() {
                meet(&sender, &closer, round, round / 64 % 64);
                let refused = cell
                    .send(Arc::clone(&witness))
                    .is_err_and(|error| matches!(error, CommandError::Ended(_)));
                if !refused {
                    cell.send(Arc::clone(&witness)).ok();
                }
            }
        });
        assert_eq!(Arc::strong_count(&witness), 1, "some are kept");
    }
}
