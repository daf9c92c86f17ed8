//! The producers' side of a schedule: sends that are tried, polled, woken and dropped by hand.

use std::{future::Future, pin::Pin, task::Poll, time::Duration};

use control_panel::{SendError, TrySendError};

use super::{Credit, Pending, Run};
use crate::{
    Wakes,
    model::{Gate, Item},
    ops::ZERO,
};

impl Run {
    pub(super) fn try_send(&mut self, at: usize, clock: usize) {
        let (mark, clock) = self.mark(clock);
        let (id, source) = (mark.id, self.producers[at].source);
        let sender = self.producers[at].sender.clone().unwrap();
        let sent = sender.try_send(mark);
        if let Err(error) = &sent {
            let counted = !matches!(error, TrySendError::ZeroClock(_));
            self.refused += u64::from(counted);
        }
        let closed = self.model.gate == Gate::Closed;
        match sent {
            Ok(()) => {
                assert!(
                    clock != ZERO && !closed && (self.hidden() || self.model.admits(source)),
                    "accepted {id}"
                );
                self.accept(at, clock, id, false);
            }
            Err(TrySendError::Full(back)) => {
                assert!(!closed && clock != ZERO && back.id == id);
                self.held_up();
                assert!(self.hidden() || !self.model.admits(source), "source {source} has room");
            }
            Err(TrySendError::Closed(back)) => assert!(closed && clock != ZERO && back.id == id),
            Err(TrySendError::ZeroClock(back)) => assert!(clock == ZERO && back.id == id),
            Err(other) => panic!("{other:?}"),
        }
    }

    pub(super) fn accept(&mut self, at: usize, clock: u64, id: u64, held: bool) {
        let producer = &mut self.producers[at];
        let (source, origin, seq) = (producer.source, producer.origin, producer.next_seq);
        producer.next_seq += 1;
        if !held {
            self.model.hold(source);
        }
        self.model.accept(Item { clock, source, origin, seq, id, local: false });
    }

    pub(super) fn send(&mut self, at: usize, clock: usize, timeout: Option<u64>) {
        let (mark, clock) = self.mark(clock);
        let item = (clock, mark.id);
        let sender = self.producers[at].sender.clone().unwrap();
        let future: Pin<Box<dyn Future<Output = _>>> = match timeout.map(Duration::from_millis) {
            None => Box::pin(async move { sender.send(mark).await }),
            Some(timeout) => Box::pin(async move { sender.send_timeout(mark, timeout).await }),
        };
        let deadline = timeout.map(|timeout| self.now + timeout);
        let wakes = Wakes::new();
        self.producers[at].sends += 1;
        let send = Pending { item, producer: at, deadline, future, wakes, granted: false, released: false };
        let source = self.producers[at].source;
        self.pending.push(send);
        let at = self.pending.len() - 1;
        // The first poll: as a `try_send`, but that it may wait.
        let fits = clock != ZERO && self.model.gate != Gate::Closed && self.model.admits(source);
        self.pending[at].released = self.model.gate != Gate::Open && (!fits || self.hidden());
        let before = self.pending.len();
        self.poll(at);
        if self.pending.len() == before {
            self.held_up();
        }
        assert!(self.pending.len() < before || self.hidden() || !fits, "it waits though there is room");
    }

    /// Somebody has no slot, maybe because of what others were granted and do not come for: a frame may be asked for.
    fn held_up(&mut self) {
        if self.credit == Credit::Expiring {
            self.credit = Credit::None;
        }
        self.hidden_end |= self.hidden();
        self.refused_hidden |= self.hidden();
    }

    pub(super) fn poll(&mut self, at: usize) {
        let send = &mut self.pending[at];
        let (clock, id) = send.item;
        let polled = {
            let _context = self.runtime.enter();
            send.wakes.poll(send.future.as_mut())
        };
        let Poll::Ready(result) = polled else {
            assert!(!send.granted && !send.released && clock != ZERO, "{id} could have gone on");
            assert!(send.deadline.is_none_or(|at| self.now < at), "{id} waits beyond its deadline");
            return;
        };
        match result {
            Ok(()) => {
                let producer = send.producer;
                let held = std::mem::take(&mut send.granted);
                let source = self.producers[producer].source;
                assert!(
                    held || self.hidden() || self.model.admits(source),
                    "{id} was accepted without a slot"
                );
                assert!(self.model.gate != Gate::Closed);
                self.accept(producer, clock, id, held);
            }
            Err(SendError::ZeroClock(back)) => assert!(clock == ZERO && back.id == id),
            Err(SendError::Timeout(back)) => {
                assert!(!send.granted && send.deadline.is_some_and(|at| self.now >= at) && back.id == id);
            }
            Err(SendError::Stopping(back)) => {
                self.refused += 1;
                assert!(send.released && self.model.gate == Gate::Stopping && back.id == id);
            }
            Err(SendError::Closed(back)) => {
                self.refused += 1;
                assert!(!send.granted && self.model.gate == Gate::Closed && back.id == id);
            }
            Err(other) => panic!("{other:?}"),
        }
        self.gone(at, false);
    }

    /// A send is over, or dropped.
    pub(super) fn gone(&mut self, at: usize, cancelled: bool) {
        let send = self.pending.remove(at);
        let Pending { producer, granted, future, .. } = send;
        drop(future);
        if granted {
            assert!(cancelled);
            self.model.release(self.producers[producer].source);
        }
        self.producers[producer].sends -= 1;
        self.forget(producer);
        self.regranted();
    }

    /// A slot that one source gave up may belong to another now.
    pub(super) fn regranted(&mut self) {
        let waits = self.model.gate == Gate::Open && !self.pending.is_empty();
        if waits {
            self.credit = Credit::Outstanding;
        }
        self.hidden_end |= waits || self.refused_hidden;
    }

    pub(super) fn forget(&mut self, at: usize) {
        let producer = &self.producers[at];
        if producer.sender.is_none() && producer.sends == 0 {
            self.model.detach(producer.source);
        }
    }

    /// Polls the sends that were woken, and those that these wake. Right after a frame, every send that can have a slot then has
    /// one.
    pub(super) fn run_senders(&mut self) {
        self.settle();
        while let Some(at) = self.pending.iter().position(|send| send.granted) {
            self.poll(at);
            self.settle();
        }
        if self.model.gate == Gate::Open {
            for send in &self.pending {
                let source = self.producers[send.producer].source;
                assert!(!self.model.admits(source), "source {source} waits for a slot that is free");
            }
            // Some sends still wait: there was nothing left to credit them with.
            if !self.pending.is_empty() {
                self.credit = Credit::None;
            }
        }
    }

    /// Finds the sends that were granted a slot: those that were woken.
    pub(super) fn settle(&mut self) {
        for at in 0..self.pending.len() {
            let send = &mut self.pending[at];
            if !send.granted && !send.released && send.wakes.take() > 0 {
                let source = self.producers[send.producer].source;
                assert!(
                    self.hidden() || self.model.admits(source),
                    "a slot was granted that the rule does not give"
                );
                self.model.hold(source);
                self.pending[at].granted = true;
                let overtaken = self.pending[..at].iter().any(|earlier| {
                    !earlier.granted && !earlier.released && self.producers[earlier.producer].source == source
                });
                assert!(!overtaken, "first come, first served");
            }
        }
    }
}
