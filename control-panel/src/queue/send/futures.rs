//! What is under way: the futures that [`IntentSender`](super::IntentSender)'s methods return.

use std::{
    collections::VecDeque,
    future::Future,
    mem::{self, ManuallyDrop},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    task::coop::{self, RestoreOnPending},
    time::Sleep,
};

use super::told::Told;
use crate::{
    intent::{Intent, order::clock_from},
    lifecycle::{error::SendError, run_token::RunToken},
    queue::{
        Port,
        line::Ticket,
        permits::{Permits, Reserve},
        port::{Refusal, Step},
    },
};

/// A send under way. It owns its intent until the queue does.
pub(super) struct Sending<'a, I: Intent> {
    port: &'a Port<I>,
    intent: Option<I>,
    ticket: Option<Ticket>,
    /// Dropped by hand: most sends never wait, and their drop is to be no call. There is a ticket while it has something to drop.
    told: ManuallyDrop<Told<'a>>,
}

impl<'a, I: Intent> Sending<'a, I> {
    #[inline]
    pub(super) fn new(port: &'a Port<I>, intent: I) -> Self {
        Self { port, intent: Some(intent), ticket: None, told: ManuallyDrop::default() }
    }

    /// For a generation: it waits only until that is told to stop.
    #[inline]
    pub(super) fn of(term: &'a RunToken, port: &'a Port<I>, intent: I) -> Self {
        let told = ManuallyDrop::new(Told::of(term));
        Self { port, intent: Some(intent), ticket: None, told }
    }

    /// Whatever is not sent into a prepaid slot.
    #[inline(never)]
    fn poll_unusual(
        &mut self,
        cx: &mut Context<'_>,
        coop: &RestoreOnPending,
        clock: Option<u64>,
    ) -> Poll<Result<(), SendError<I>>> {
        let Some(clock) = clock_from(clock).filter(|_| self.intent.is_some()) else {
            coop.made_progress();
            return Poll::Ready(
                self.intent.take().map_or(Ok(()), |intent| Err(SendError::ZeroClock(intent))),
            );
        };
        // Whoever unwinds out of this drops it.
        let mut told = ManuallyDrop::into_inner(mem::take(&mut self.told));
        let term = told.term();
        let step = self.port.poll_send_in(term, clock, &mut self.intent, &mut self.ticket, cx.waker());
        let refusal = match step {
            // Only now: what there is room for is taken, whatever the worker was told.
            Step::Wait if told.poll(cx) => {
                self.port.give_up(self.ticket.take());
                Some(Refusal::Stopping)
            }
            Step::Wait => {
                self.told = ManuallyDrop::new(told);
                return Poll::Pending;
            }
            Step::Sent => None,
            Step::Refused(refusal) => Some(refusal),
        };
        coop.made_progress();
        Poll::Ready(match (refusal, self.intent.take()) {
            (None, _) | (_, None) => Ok(()),
            (Some(Refusal::Closed), Some(intent)) => Err(SendError::Closed(intent)),
            (Some(Refusal::Ended), Some(intent)) => Err(SendError::Ended(intent)),
            (Some(Refusal::Full | Refusal::Stopping), Some(intent)) => Err(SendError::Stopping(intent)),
        })
    }

    /// Gives up: `None` if the intent was sent already.
    #[cold]
    pub(super) fn give_up(&mut self) -> Option<I> {
        // First, as leaving the line may wake somebody, whose waker may panic.
        drop(ManuallyDrop::into_inner(mem::take(&mut self.told)));
        if let Some(ticket) = self.ticket.take() {
            self.port.leave(ticket);
        }
        self.intent.take()
    }
}

// Nothing in it is pinned.
impl<I: Intent> Unpin for Sending<'_, I> {}

impl<I: Intent> Future for Sending<'_, I> {
    type Output = Result<(), SendError<I>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let coop = ready!(coop::poll_proceed(cx));
        let this = &mut *self;
        let clock = this.intent.as_ref().and_then(Intent::clock);
        if this.ticket.is_none()
            && clock.is_none()
            && this.port.send_prepaid(this.told.term(), &mut this.intent)
        {
            // As `made_progress`, without the call of its drop.
            mem::forget(coop);
            return Poll::Ready(Ok(()));
        }
        this.poll_unusual(cx, &coop, clock)
    }
}

impl<I: Intent> Drop for Sending<'_, I> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.give_up();
        }
    }
}

/// Sends from the front of a deque. An intent leaves it only to be sent, and comes back if it is not.
pub(super) struct SendingMany<'a, 'b, I: Intent> {
    port: &'a Port<I>,
    intents: &'b mut VecDeque<I>,
    sending: Option<Sending<'a, I>>,
    /// Of a generation: it waits only until that is told to stop.
    term: Option<&'a RunToken>,
}

impl<'a, 'b, I: Intent> SendingMany<'a, 'b, I> {
    pub(super) fn new(term: Option<&'a RunToken>, port: &'a Port<I>, intents: &'b mut VecDeque<I>) -> Self {
        Self { port, intents, sending: None, term }
    }
}

impl<I: Intent> Future for SendingMany<'_, '_, I> {
    type Output = Result<(), SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.sending.is_none() && this.intents.is_empty() {
            // As if something had been sent: a loop of these must let others have their turn too.
            ready!(coop::poll_proceed(cx)).made_progress();
        }
        loop {
            let sending = match &mut this.sending {
                Some(sending) => sending,
                none => {
                    let Some(intent) = this.intents.pop_front() else { return Poll::Ready(Ok(())) };
                    none.insert(match this.term {
                        Some(term) => Sending::of(term, this.port, intent),
                        None => Sending::new(this.port, intent),
                    })
                }
            };
            let sent = ready!(Pin::new(sending).poll(cx));
            this.sending = None;
            if let Err(refused) = sent {
                let (reason, intent) = refused.split();
                this.intents.push_front(intent);
                return Poll::Ready(Err(reason));
            }
        }
    }
}

impl<I: Intent> Drop for SendingMany<'_, '_, I> {
    fn drop(&mut self) {
        if let Some(mut sending) = self.sending.take() {
            // First: leaving the line may wake somebody, whose waker may panic.
            sending.intent.take().into_iter().for_each(|intent| self.intents.push_front(intent));
        }
    }
}

/// A reservation under way.
pub(super) struct Reserving<'a, I: Intent> {
    port: &'a Arc<Port<I>>,
    ticket: Option<Ticket>,
    most: usize,
    told: Told<'a>,
}

impl<'a, I: Intent> Reserving<'a, I> {
    pub(super) fn new(port: &'a Arc<Port<I>>, most: usize) -> Self {
        Self { port, ticket: None, most, told: Told::default() }
    }

    /// For a generation: it waits only until that is told to stop.
    pub(super) fn of(term: &'a RunToken, port: &'a Arc<Port<I>>, most: usize) -> Self {
        Self { port, ticket: None, most, told: Told::of(term) }
    }
}

// Nothing in it is pinned.
impl<I: Intent> Unpin for Reserving<'_, I> {}

impl<I: Intent> Future for Reserving<'_, I> {
    type Output = Result<Permits<I>, SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let coop = ready!(coop::poll_proceed(cx));
        let this = &mut *self;
        // One that has ended reserves nothing; that the panel is closed comes first.
        let ended = this.told.term().is_some_and(RunToken::has_ended);
        let most = if ended { 0 } else { this.most };
        let reserved = match this.port.poll_reserve(most, &mut this.ticket, cx.waker()) {
            Reserve::Slots(_) if ended => {
                this.port.give_up(this.ticket.take());
                Err(SendError::Ended(()))
            }
            // Only now: what there is room for is taken, whatever the worker was told.
            Reserve::Wait if this.told.poll(cx) => {
                this.port.give_up(this.ticket.take());
                Err(SendError::Stopping(()))
            }
            Reserve::Wait => return Poll::Pending,
            Reserve::Slots(slots) => Ok(Permits::new(Arc::clone(this.port), slots)),
            Reserve::Refused(Refusal::Closed) => Err(SendError::Closed(())),
            Reserve::Refused(Refusal::Ended) => Err(SendError::Ended(())),
            Reserve::Refused(Refusal::Full | Refusal::Stopping) => Err(SendError::Stopping(())),
        };
        coop.made_progress();
        Poll::Ready(reserved)
    }
}

impl<I: Intent> Drop for Reserving<'_, I> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.port.leave(ticket);
        }
    }
}

/// A send under way with a deadline. The timer is made only when there is something to wait for.
pub(super) struct SendingFor<'a, I: Intent> {
    pub(super) sending: Sending<'a, I>,
    pub(super) timeout: Duration,
    pub(super) sleep: Option<Pin<Box<Sleep>>>,
}

impl<I: Intent> Future for SendingFor<'_, I> {
    type Output = Result<(), SendError<I>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(sent) = Pin::new(&mut this.sending).poll(cx) {
            return Poll::Ready(sent);
        }
        let timeout = this.timeout;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(this.sending.give_up().map_or(Ok(()), |intent| Err(SendError::Timeout(intent))))
    }
}
