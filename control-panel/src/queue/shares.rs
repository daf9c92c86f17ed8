//! Who may occupy how many slots, and who waits for one: the queue's arithmetic, without its intents.
//!
//! Pure: no lock, no runtime. A slot is occupied from the moment it is taken or granted until the frame
//! that handed its intent out is over.
//!
//! The rule. Of the capacity, one slot is kept for each other known source that holds none, and one for a
//! source not seen yet; the rest goes to whoever comes. A source that holds nothing may take a slot as long
//! as the bound (the capacity, or the number of sources where that is greater) is not reached. So no
//! flood keeps out a quiet source.

use std::collections::{BTreeMap, VecDeque};

/// Names one waiting or granted sender. Tickets grow, so a source's lowest ticket has waited longest.
pub(super) type Ticket = u64;

/// `W` wakes a sender: a `Waker` in the queue, a number in the tests.
#[derive(Debug)]
pub(super) struct Shares<S, W> {
    capacity: usize,
    /// Slots occupied, over all sources.
    held: usize,
    /// Known sources that hold no slot: for each of them one is kept.
    idle: usize,
    /// Sorted by source.
    lanes: Vec<Lane<S, W>>,
    next_ticket: Ticket,
    /// The lane that is granted a slot next: grants go round, so that floods share evenly.
    turn: usize,
}

/// What one source has.
#[derive(Debug)]
struct Lane<S, W> {
    source: S,
    /// Senders alive. A source is known while it has a sender or holds a slot.
    ports: usize,
    held: usize,
    waiting: BTreeMap<Ticket, W>,
    /// In rising order: the longest wait is granted first.
    granted: VecDeque<Ticket>,
}

/// Where a waiting sender stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Waiting,
    Granted,
    /// Sent away by [`Shares::dismiss`].
    Dismissed,
}

impl<S: Copy + Ord, W> Shares<S, W> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, held: 0, idle: 0, lanes: Vec::new(), next_ticket: 0, turn: 0 }
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// A sender of this source exists from now on. That may raise the bound: `grant` afterwards.
    pub(super) fn attach(&mut self, source: S) {
        match self.position(source) {
            Ok(at) => self.lanes[at].ports += 1,
            Err(at) => {
                let lane =
                    Lane { source, ports: 1, held: 0, waiting: BTreeMap::new(), granted: VecDeque::new() };
                self.lanes.insert(at, lane);
                self.idle += 1;
            }
        }
    }

    /// A sender of this source is gone.
    pub(super) fn detach(&mut self, source: S) {
        if let Ok(at) = self.position(source) {
            self.lanes[at].ports -= 1;
            self.forget_unused(at);
        }
    }

    /// Takes a slot at once, if the rule allows one.
    pub(super) fn take(&mut self, source: S) -> bool {
        let Ok(at) = self.position(source) else { return false };
        let admitted = self.admits(at);
        if admitted {
            self.hold(at);
        }
        admitted
    }

    /// Queues up for a slot.
    pub(super) fn wait(&mut self, source: S, waker: W) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        if let Ok(at) = self.position(source) {
            self.lanes[at].waiting.insert(ticket, waker);
        }
        ticket
    }

    /// Where a ticket stands. While it waits, `waker` replaces the one it left, which is handed out
    /// so that the caller can drop it outside the lock.
    pub(super) fn standing(&mut self, source: S, ticket: Ticket, waker: W) -> (Standing, Option<W>) {
        let Ok(at) = self.position(source) else { return (Standing::Dismissed, Some(waker)) };
        let lane = &mut self.lanes[at];
        if lane.granted.binary_search(&ticket).is_ok() {
            return (Standing::Granted, Some(waker));
        }
        match lane.waiting.get_mut(&ticket) {
            Some(slot) => (Standing::Waiting, Some(std::mem::replace(slot, waker))),
            None => (Standing::Dismissed, Some(waker)),
        }
    }

    /// Turns a grant into an occupied slot: the sender writes now. False if the grant was revoked.
    pub(super) fn redeem(&mut self, source: S, ticket: Ticket) -> bool {
        self.position(source).is_ok_and(|at| self.lanes[at].take_back(ticket))
    }

    /// A waiting sender goes away; a slot granted to it is passed on. The waker it left is handed out.
    pub(super) fn leave(&mut self, source: S, ticket: Ticket, wakes: &mut Vec<W>) -> Option<W> {
        let at = self.position(source).ok()?;
        let left = self.lanes[at].waiting.remove(&ticket);
        if self.lanes[at].take_back(ticket) {
            self.release(at, 1);
            self.grant(wakes);
        }
        left
    }

    /// A frame handed out `count` intents of this source.
    pub(super) fn free(&mut self, source: S, count: usize) {
        if let Ok(at) = self.position(source) {
            self.release(at, count);
        }
    }

    /// Gives free slots to those who wait, source by source in turn, first come first served within one.
    pub(super) fn grant(&mut self, wakes: &mut Vec<W>) {
        let mut passed = 0;
        while passed < self.lanes.len() {
            let at = self.turn % self.lanes.len();
            self.turn = at + 1;
            if !self.lanes[at].waiting.is_empty() && self.admits(at) {
                if let Some((ticket, waker)) = self.lanes[at].waiting.pop_first() {
                    self.lanes[at].granted.push_back(ticket);
                    self.hold(at);
                    wakes.push(waker);
                }
                passed = 0;
            } else {
                passed += 1;
            }
        }
    }

    /// Sends everybody who waits away: nobody will free a slot any more.
    pub(super) fn dismiss(&mut self, wakes: &mut Vec<W>) {
        for lane in &mut self.lanes {
            wakes.extend(std::mem::take(&mut lane.waiting).into_values());
        }
    }

    /// Takes back what was granted and not yet redeemed: the queue is closed.
    pub(super) fn revoke(&mut self) {
        for at in (0..self.lanes.len()).rev() {
            let revoked = std::mem::take(&mut self.lanes[at].granted).len();
            self.release(at, revoked);
        }
    }

    fn admits(&self, at: usize) -> bool {
        if self.lanes[at].held == 0 {
            self.held < self.capacity.max(self.lanes.len())
        } else {
            // Room for it beside one slot for each idle source and one for a source not seen yet.
            self.held + self.idle + 1 < self.capacity
        }
    }

    fn hold(&mut self, at: usize) {
        if self.lanes[at].held == 0 {
            self.idle -= 1;
        }
        self.lanes[at].held += 1;
        self.held += 1;
    }

    fn release(&mut self, at: usize, count: usize) {
        if count == 0 {
            return;
        }
        self.lanes[at].held -= count;
        self.held -= count;
        if self.lanes[at].held == 0 {
            self.idle += 1;
            self.forget_unused(at);
        }
    }

    /// Sources come and go in a program whose source type has many values: what is unused is forgotten.
    fn forget_unused(&mut self, at: usize) {
        if self.lanes[at].ports == 0 && self.lanes[at].held == 0 {
            self.lanes.remove(at);
            self.idle -= 1;
        }
    }

    fn position(&self, source: S) -> Result<usize, usize> {
        self.lanes.binary_search_by(|lane| lane.source.cmp(&source))
    }
}

impl<S, W> Lane<S, W> {
    fn take_back(&mut self, ticket: Ticket) -> bool {
        self.granted.binary_search(&ticket).is_ok_and(|at| self.granted.remove(at).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(capacity: usize, sources: &[u8]) -> Shares<u8, u32> {
        let mut shares = Shares::new(capacity);
        for &source in sources {
            shares.attach(source);
        }
        shares
    }

    fn flood(shares: &mut Shares<u8, u32>, source: u8) -> usize {
        (0..1_000).take_while(|_| shares.take(source)).count()
    }

    #[test]
    fn a_flood_leaves_a_slot_for_each_known_source_and_one_unseen() {
        let mut shares = shares(8, &[1, 2, 3]);
        assert_eq!(flood(&mut shares, 2), 5);
        assert!(shares.take(1) && shares.take(3));
        assert!(!shares.take(1) && !shares.take(3), "what is left is kept for a source not seen yet");
        shares.attach(0);
        assert!(shares.take(0));
        assert_eq!(shares.held(), 8);
    }

    #[test]
    fn a_share_is_never_below_one() {
        let mut shares = shares(2, &[1, 2, 3, 4, 5]);
        for source in 1..=5 {
            assert_eq!(flood(&mut shares, source), 1);
        }
        assert_eq!(shares.held(), 5, "with more sources than slots the bound is the number of sources");
    }

    #[test]
    fn an_unused_source_is_forgotten_but_not_while_it_holds_a_slot() {
        let mut shares = shares(4, &[1, 2]);
        assert!(shares.take(2));
        shares.detach(2);
        assert_eq!(shares.lanes.len(), 2);
        shares.free(2, 1);
        assert_eq!((shares.lanes.len(), shares.idle, shares.held()), (1, 1, 0));
        shares.detach(1);
        assert_eq!((shares.lanes.len(), shares.idle), (0, 0));
    }

    #[test]
    fn grants_go_round_the_sources_first_come_first_served() {
        let mut shares = shares(8, &[1, 2]);
        assert_eq!(flood(&mut shares, 1), 6);
        let first = shares.wait(1, 10);
        for waker in 11..15 {
            shares.wait(1, waker);
        }
        assert!(shares.take(2));
        for waker in 20..25 {
            shares.wait(2, waker);
        }
        shares.free(1, 6);
        let mut wakes = Vec::new();
        shares.grant(&mut wakes);
        wakes.sort_unstable();
        assert_eq!(wakes, [10, 11, 12, 20, 21, 22]);
        assert_eq!(shares.standing(1, first, 99).0, Standing::Granted);
    }

    #[test]
    fn a_cancelled_grant_is_passed_on_and_a_cancelled_wait_forgotten() {
        let mut shares = shares(3, &[1]);
        assert_eq!(flood(&mut shares, 1), 2);
        let (a, b, c) = (shares.wait(1, 1), shares.wait(1, 2), shares.wait(1, 3));
        let mut wakes = Vec::new();
        assert_eq!(shares.leave(1, b, &mut wakes), Some(2));
        shares.free(1, 1);
        shares.grant(&mut wakes);
        assert_eq!(wakes, [1]);
        assert_eq!(shares.leave(1, a, &mut wakes), None);
        assert_eq!(wakes, [1, 3], "the slot goes to the next who waits");
        assert!(shares.redeem(1, c) && !shares.redeem(1, c));
        assert_eq!(shares.held(), 2);
    }

    #[test]
    fn dismissal_wakes_the_waiting_and_revoking_frees_the_granted() {
        let mut shares = shares(3, &[1]);
        assert_eq!(flood(&mut shares, 1), 2);
        let (a, b) = (shares.wait(1, 1), shares.wait(1, 2));
        let mut wakes = Vec::new();
        shares.free(1, 1);
        shares.grant(&mut wakes);
        shares.dismiss(&mut wakes);
        assert_eq!(wakes, [1, 2]);
        assert_eq!(shares.standing(1, a, 9).0, Standing::Granted);
        assert_eq!(shares.standing(1, b, 9).0, Standing::Dismissed);
        shares.revoke();
        assert!(!shares.redeem(1, a));
        assert_eq!(shares.held(), 1);
    }
}
