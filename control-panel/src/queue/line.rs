//! Who waits for a slot, who was granted one, and who is woken next.
//!
//! Pure, like [`shares`](super::shares), which decides whom to grant. `W` wakes a sender: a `Waker` in the
//! queue, a number in the tests.
//!
//! Waking is what a queue costs, above all waking from a thread outside the runtime. So a frame that grants
//! slots to many wakes only the first, and each one that takes its slot wakes the next, inside the
//! runtime: the baton. While it goes round, frames leave the line alone. One that finds the baton where the last one left
//! it wakes one more and waits for those in hand no longer, so a stalled executor holds nobody else up for ever.

use std::collections::VecDeque;

/// Names one waiting sender, until it takes its slot or leaves.
pub(super) type Ticket = usize;

/// Where a waiting sender stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Waiting,
    Granted,
    /// Sent away: nobody will free a slot any more.
    Dismissed,
}

/// Where the baton is when a frame ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Baton {
    /// Nobody has it, and nobody waits for it.
    Over,
    /// It has moved since the last frame.
    Going,
    /// It has not.
    Stalled,
}

#[derive(Debug)]
pub(super) struct Line<W> {
    waiters: Vec<Waiter<W>>,
    vacant: Vec<Ticket>,
    /// Granted and not woken yet, in order. May name some that are gone.
    baton: VecDeque<Ticket>,
    /// How many were woken in this round and have not taken their slot yet.
    in_hand: usize,
    /// Those woken in rounds before are not waited for any more.
    round: u64,
    /// Whether anyone has taken a slot since the last frame.
    moved: bool,
    /// How many wait and were granted nothing yet.
    waiting: usize,
    /// How many are in the line, the granted included.
    pending: usize,
}

#[derive(Debug)]
struct Waiter<W> {
    lane: usize,
    state: State,
    waker: Option<W>,
    /// It stands in a lane's queue or in the baton's: its place can be given away only when it leaves that too.
    listed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// Woken in that round, or not yet.
    Granted {
        slots: usize,
        woken: Option<u64>,
    },
    Dismissed,
    Gone,
}

/// A slot, or several, granted to one who waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) lane: usize,
    pub(super) slots: usize,
}

impl<W> Line<W> {
    pub(super) fn new() -> Self {
        Self {
            waiters: Vec::new(),
            vacant: Vec::new(),
            baton: VecDeque::new(),
            in_hand: 0,
            round: 0,
            moved: true,
            waiting: 0,
            pending: 0,
        }
    }

    /// How many have not taken a slot yet, granted or not.
    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// How many wait and were granted nothing yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether slots are granted to somebody whom nobody has woken yet.
    pub(super) fn is_unwoken(&self) -> bool {
        !self.baton.is_empty()
    }

    /// Joins the queue of a lane.
    pub(super) fn join(&mut self, lane: usize, queue: &mut VecDeque<Ticket>, waker: W) -> Ticket {
        let waiter = Waiter { lane, state: State::Waiting, waker: Some(waker), listed: true };
        let ticket = if let Some(ticket) = self.vacant.pop() {
            self.waiters[ticket] = waiter;
            ticket
        } else {
            self.waiters.push(waiter);
            self.waiters.len() - 1
        };
        queue.push_back(ticket);
        self.waiting += 1;
        self.pending += 1;
        ticket
    }

    pub(super) fn standing(&self, ticket: Ticket) -> Standing {
        match self.waiters[ticket].state {
            State::Waiting => Standing::Waiting,
            State::Granted { .. } => Standing::Granted,
            State::Dismissed | State::Gone => Standing::Dismissed,
        }
    }

    /// Leaves another waker; the one before is handed out.
    pub(super) fn exchange(&mut self, ticket: Ticket, waker: W) -> Option<W> {
        self.waiters[ticket].waker.replace(waker)
    }

    /// The next in a lane's queue that still waits is granted a slot.
    pub(super) fn grant_next(&mut self, queue: &mut VecDeque<Ticket>) -> Option<Ticket> {
        while let Some(ticket) = queue.pop_front() {
            if self.waiters[ticket].state == State::Waiting {
                self.waiters[ticket].state = State::Granted { slots: 1, woken: None };
                self.waiting -= 1;
                self.baton.push_back(ticket);
                return Some(ticket);
            }
            self.unlist(ticket);
        }
        None
    }

    /// Grants more to one that was granted already, and tells its lane.
    pub(super) fn grant_more(&mut self, ticket: Ticket, more: usize) -> usize {
        let waiter = &mut self.waiters[ticket];
        if let State::Granted { slots, .. } = &mut waiter.state {
            *slots += more;
        }
        waiter.lane
    }

    /// Takes back what was granted beyond the one slot to somebody who has not taken it yet.
    pub(super) fn trim(&mut self, ticket: Ticket) -> Option<Grant> {
        let waiter = &mut self.waiters[ticket];
        match &mut waiter.state {
            State::Granted { slots, .. } if *slots > 1 => {
                let more = std::mem::replace(slots, 1) - 1;
                Some(Grant { lane: waiter.lane, slots: more })
            }
            _ => None,
        }
    }

    /// A sender takes what it was granted, or leaves the line. `None` if it was granted nothing.
    pub(super) fn finish(&mut self, ticket: Ticket) -> (Option<Grant>, Option<W>) {
        let waiter = &mut self.waiters[ticket];
        let (lane, waker) = (waiter.lane, waiter.waker.take());
        let state = std::mem::replace(&mut waiter.state, State::Gone);
        self.pending -= 1;
        if !waiter.listed {
            self.vacant.push(ticket);
        }
        match state {
            State::Granted { slots, woken } => {
                self.in_hand -= usize::from(woken == Some(self.round));
                self.moved = true;
                (Some(Grant { lane, slots }), waker)
            }
            State::Waiting => {
                self.waiting -= 1;
                (None, waker)
            }
            State::Dismissed | State::Gone => (None, waker),
        }
    }

    /// Forgets those that left a lane's queue from the middle, once they are more than those who wait.
    pub(super) fn tidy(&mut self, queue: &mut VecDeque<Ticket>) {
        if queue.len() > 2 * self.waiting + 4 {
            let mut kept = std::mem::take(queue);
            kept.retain(|&ticket| {
                let waits = self.waiters[ticket].state == State::Waiting;
                if !waits {
                    self.unlist(ticket);
                }
                waits
            });
            *queue = kept;
        }
    }

    /// Hands the baton on: the waker of the next that was granted a slot.
    pub(super) fn pass(&mut self) -> Option<W> {
        while let Some(ticket) = self.baton.pop_front() {
            self.unlist(ticket);
            let waiter = &mut self.waiters[ticket];
            if let State::Granted { woken, .. } = &mut waiter.state {
                *woken = Some(self.round);
                self.in_hand += 1;
                return waiter.waker.take();
            }
        }
        None
    }

    /// Whether all who were granted a slot have taken it, or left.
    pub(super) fn is_over(&self) -> bool {
        self.in_hand == 0 && self.baton.is_empty()
    }

    /// Whether nobody has taken a slot since the last frame, though somebody was to.
    pub(super) fn is_stalled(&self) -> bool {
        !self.moved && !self.is_over()
    }

    /// Whether this is the only one that was granted a slot and has not taken it yet, but for those who are not waited for.
    pub(super) fn is_last(&self, ticket: Ticket) -> bool {
        self.in_hand <= 1
            && self
                .baton
                .iter()
                .all(|&other| other == ticket || !matches!(self.waiters[other].state, State::Granted { .. }))
    }

    /// Those who were woken and did not come are not waited for any more: what they were granted stays theirs, but rounds
    /// go on without them.
    pub(super) fn write_off(&mut self) {
        self.round += 1;
        self.in_hand = 0;
    }

    /// Whether one was granted more than the one slot, and has not taken it yet.
    pub(super) fn is_generous(&self, ticket: Ticket) -> bool {
        matches!(self.waiters[ticket].state, State::Granted { slots, .. } if slots > 1)
    }

    /// Asked once at the end of a frame: by the next, the baton is to have moved.
    pub(super) fn look(&mut self) -> Baton {
        let baton = if self.is_over() {
            Baton::Over
        } else if self.moved {
            Baton::Going
        } else {
            Baton::Stalled
        };
        self.moved = false;
        baton
    }

    /// After grants between two frames: the waker to wake, if nobody has the baton.
    pub(super) fn start_if_idle(&mut self) -> Option<W> {
        if self.in_hand == 0 { self.pass() } else { None }
    }

    /// Sends one lane's queue away.
    pub(super) fn dismiss(&mut self, queue: &mut VecDeque<Ticket>, wakes: &mut Vec<W>) {
        while let Some(ticket) = queue.pop_front() {
            let waiter = &mut self.waiters[ticket];
            if waiter.state == State::Waiting {
                waiter.state = State::Dismissed;
                self.waiting -= 1;
                wakes.extend(waiter.waker.take());
            }
            self.unlist(ticket);
        }
    }

    /// Wakes all that were granted a slot: nobody is left to hand the baton on.
    pub(super) fn pass_all(&mut self, wakes: &mut Vec<W>) {
        while let Some(waker) = self.pass() {
            wakes.push(waker);
        }
    }

    /// Takes back what was granted and not taken yet.
    pub(super) fn revoke(&mut self, mut returned: impl FnMut(Grant), wakes: &mut Vec<W>) {
        self.pass_all(wakes);
        for waiter in &mut self.waiters {
            if let State::Granted { slots, .. } = waiter.state {
                waiter.state = State::Dismissed;
                returned(Grant { lane: waiter.lane, slots });
            }
        }
        self.in_hand = 0;
    }

    fn unlist(&mut self, ticket: Ticket) {
        let waiter = &mut self.waiters[ticket];
        waiter.listed = false;
        if waiter.state == State::Gone {
            self.vacant.push(ticket);
        }
    }
}
