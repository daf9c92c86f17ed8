//! The answers that a worker got for its intents, held against what the frames hand out.
//!
//! Every attempt to send has a number, given before it, under the account's lock. An account keeps the attempts that no
//! frame has passed yet; when a frame hands one out, all before it must be settled: refused, or given up when the
//! worker was dropped at its await. One that was accepted and is passed over is lost; one that is handed out again,
//! or late, is not among those kept.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use crate::tally::{Fault, Tally};

/// One origin's intents, and its worker's generations.
#[derive(Debug)]
pub(crate) struct Account {
    name: String,
    tally: Arc<Tally>,
    book: Mutex<Book>,
    /// Whether a generation of the worker lives.
    living: AtomicBool,
}

#[derive(Debug, Default)]
struct Book {
    /// The number of the last attempt.
    attempts: u64,
    /// The newest generation that has begun.
    generation: u64,
    /// The generation of what was handed out last.
    handed: u64,
    /// Attempts that no frame has passed, in their order.
    open: VecDeque<Attempt>,
}

#[derive(Debug)]
struct Attempt {
    number: u64,
    accepted: bool,
}

/// An intent's place in its account.
#[derive(Debug)]
pub(crate) struct Receipt {
    account: Arc<Account>,
    number: u64,
    generation: u64,
}

impl Account {
    pub(crate) fn new(name: String, tally: &Arc<Tally>) -> Arc<Self> {
        tally.accounts.fetch_add(1, Relaxed);
        let (tally, book) = (Arc::clone(tally), Mutex::default());
        Arc::new(Self { name, tally, book, living: AtomicBool::new(false) })
    }

    /// A generation of the worker begins; it lives until what this returns is dropped.
    pub(crate) fn begin(self: &Arc<Self>, generation: u64) -> Alive {
        if self.living.swap(true, Relaxed) {
            self.fault(Fault::Overlap, &format!("generation {generation} begins while another lives"));
        }
        self.tally.generations.fetch_add(1, Relaxed);
        self.tally.alive.fetch_add(1, Relaxed);
        let mut book = self.book();
        if generation <= book.generation {
            let before = book.generation;
            self.fault(Fault::Stale, &format!("generation {generation} begins after {before}"));
        }
        book.generation = generation;
        Alive(Arc::clone(self))
    }

    /// Before a send.
    pub(crate) fn attempt(self: &Arc<Self>, generation: u64) -> (u64, Receipt) {
        let mut book = self.book();
        if generation < book.generation {
            self.fault(Fault::Stale, &format!("generation {generation} sends after its successor began"));
        }
        book.attempts += 1;
        let number = book.attempts;
        book.open.push_back(Attempt { number, accepted: false });
        (number, Receipt { account: Arc::clone(self), number, generation })
    }

    /// The send returned: the intent was accepted.
    pub(crate) fn accepted(&self, number: u64) {
        self.tally.accepted.fetch_add(1, Relaxed);
        let mut book = self.book();
        // A frame may have been quicker: then it is settled already.
        if let Some(attempt) = book.open.iter_mut().rev().find(|attempt| attempt.number == number) {
            attempt.accepted = true;
        }
    }

    /// The send returned: the intent was handed back.
    pub(crate) fn refused(&self, number: u64) {
        self.tally.refused.fetch_add(1, Relaxed);
        let mut book = self.book();
        match book.open.iter().rposition(|attempt| attempt.number == number) {
            Some(at) => drop(book.open.remove(at)),
            None => self.fault(Fault::Refused, &format!("attempt {number} was refused and handed out")),
        }
    }

    /// Holds the thread until `over`, or notes that this never came.
    pub(crate) fn jam(&self, over: impl Fn() -> bool, never: Duration) {
        self.tally.jammed.fetch_add(1, Relaxed);
        let began = Instant::now();
        while !over() {
            if began.elapsed() >= never {
                self.tally.unnoticed.fetch_add(1, Relaxed);
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn handed_out(&self, number: u64, generation: u64) {
        self.tally.drained.fetch_add(1, Relaxed);
        let mut book = self.book();
        if generation < book.handed {
            let newer = book.handed;
            self.fault(Fault::Stale, &format!("an intent of generation {generation} after one of {newer}"));
        }
        book.handed = generation;
        while book.open.front().is_some_and(|attempt| attempt.number < number) {
            book.open.pop_front().iter().for_each(|attempt| self.passed(attempt, "passed over"));
        }
        if book.open.front().is_some_and(|attempt| attempt.number == number) {
            book.open.pop_front();
        } else {
            self.fault(Fault::Doubled, &format!("attempt {number} was handed out twice, or too late"));
        }
    }

    fn passed(&self, attempt: &Attempt, how: &str) {
        if attempt.accepted {
            self.fault(Fault::Lost, &format!("attempt {} was accepted and {how}", attempt.number));
        }
    }

    fn fault(&self, fault: Fault, what: &str) {
        self.tally.fault(fault, format!("{}: {what}", self.name));
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receipt {
    /// A frame hands the intent out.
    pub(crate) fn hand_out(&self) {
        self.account.handed_out(self.number, self.generation);
    }
}

/// Nothing can send or drain for it any more: every accepted intent has been handed out by now.
impl Drop for Account {
    fn drop(&mut self) {
        let book = std::mem::take(&mut *self.book());
        book.open.iter().for_each(|attempt| self.passed(attempt, "never handed out"));
        self.tally.accounts.fetch_sub(1, Relaxed);
    }
}

/// A living generation.
#[derive(Debug)]
pub(crate) struct Alive(Arc<Account>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.living.store(false, Relaxed);
        self.0.tally.alive.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> (Arc<Tally>, Arc<Account>) {
        let tally = Arc::new(Tally::default());
        let account = Account::new("teller".into(), &tally);
        (tally, account)
    }

    fn faults(tally: &Tally) -> u64 {
        Fault::ALL.iter().map(|&fault| tally.count(fault)).sum()
    }

    fn sent(account: &Arc<Account>, generation: u64) -> Receipt {
        let (number, receipt) = account.attempt(generation);
        account.accepted(number);
        receipt
    }

    #[test]
    fn what_is_handed_out_in_order_is_no_fault() {
        let (tally, account) = account();
        let _alive = account.begin(1);
        let (first, second) = (sent(&account, 1), sent(&account, 1));
        let (cut, _) = account.attempt(1);
        let last = sent(&account, 1);
        [first, second, last].iter().for_each(Receipt::hand_out);
        assert_eq!((cut, faults(&tally)), (3, 0), "an attempt that was given up is none");
    }

    #[test]
    fn a_frame_may_be_quicker_than_the_sender() {
        let (tally, account) = account();
        let (number, receipt) = account.attempt(1);
        receipt.hand_out();
        account.accepted(number);
        drop((account, receipt));
        assert_eq!((faults(&tally), tally.accounts.load(Relaxed)), (0, 0));
    }

    #[test]
    fn losses_doubles_and_disorder_are_reported() {
        let (tally, account) = account();
        let (first, second) = (sent(&account, 1), sent(&account, 1));
        second.hand_out();
        assert_eq!(tally.count(Fault::Lost), 1, "the first was passed over");
        first.hand_out();
        second.hand_out();
        assert_eq!(tally.count(Fault::Doubled), 2);
        let (number, receipt) = account.attempt(1);
        receipt.hand_out();
        account.refused(number);
        assert_eq!(tally.count(Fault::Refused), 1);
        sent(&account, 1);
        drop((account, first, second, receipt));
        assert_eq!(tally.count(Fault::Lost), 2, "one was never handed out");
    }

    #[test]
    fn an_old_generation_is_reported() {
        let (tally, account) = account();
        let first = account.begin(1);
        let second = account.begin(2);
        assert_eq!(tally.count(Fault::Overlap), 1);
        drop((first, second));
        let _third = account.begin(3);
        let (old, new) = (sent(&account, 2), sent(&account, 3));
        assert_eq!(tally.count(Fault::Stale), 1, "it sent after its successor began");
        new.hand_out();
        old.hand_out();
        assert_eq!(tally.count(Fault::Stale), 2);
    }
}
