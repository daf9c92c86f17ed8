//! What the actors sent, and what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use super::probe::Probe;
use crate::intent::{
    Delivery, Intent, LatestKey,
    order::{Origin, QueuedIntent},
};

/// An intent: the nth of an actor.
pub(super) struct Item {
    pub(super) id: Id,
    pub(super) kind: Kind,
    /// What its drop sets off.
    pub(super) probe: Option<Arc<Probe>>,
    /// Counts those that exist.
    _witness: Arc<()>,
}

impl Drop for Item {
    fn drop(&mut self) {
        self.probe.iter().for_each(|probe| probe.call());
    }
}

/// Whose, and which.
pub(super) type Id = (u32, u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Clocked,
    Lossy,
    Latest,
}

impl Intent for Item {
    type Source = u8;

    fn clock(&self) -> Option<u64> {
        (self.kind == Kind::Clocked).then_some(u64::from(self.id.1) + 1)
    }

    fn delivery(&self) -> Delivery {
        match self.kind {
            Kind::Plain | Kind::Clocked => Delivery::Reliable,
            Kind::Lossy => Delivery::Lossy,
            Kind::Latest => Delivery::Latest(LatestKey { variant: 0, key: 0 }),
        }
    }
}

/// The account. Its lock is the standard one: the models do not know it, so keeping the books is no step of a schedule.
#[derive(Default)]
pub(super) struct Account {
    books: Mutex<Books>,
    witness: Arc<()>,
}

#[derive(Default)]
struct Books {
    made: u32,
    /// Accepted for good.
    accepted: BTreeSet<Id>,
    /// Accepted, and may be dropped or replaced.
    perhaps: BTreeSet<Id>,
    /// The newest of its actor, which nothing may replace.
    latest: BTreeMap<u32, Id>,
    seen: BTreeSet<Id>,
    /// The last local one seen of each actor's senders.
    last: BTreeMap<(u32, Origin), Id>,
}

impl Account {
    pub(super) fn item(&self, id: Id, kind: Kind) -> Item {
        self.books().made += 1;
        Item { id, kind, probe: None, _witness: Arc::clone(&self.witness) }
    }

    pub(super) fn accepted(&self, id: Id, kind: Kind) {
        let mut books = self.books();
        let new = match kind {
            Kind::Plain | Kind::Clocked => books.accepted.insert(id),
            Kind::Lossy => books.perhaps.insert(id),
            Kind::Latest => {
                books.latest.insert(id.0, id);
                books.perhaps.insert(id)
            }
        };
        assert!(new, "{id:?} was accepted twice");
    }

    /// The loop was handed this. `in_order`: it reads one frame after the other, as a panel does.
    pub(super) fn seen(&self, queued: &QueuedIntent<Item>, in_order: bool) {
        let Item { id, kind, .. } = queued.intent;
        let mut books = self.books();
        assert!(books.seen.insert(id), "{id:?} was handed out twice");
        if in_order && kind != Kind::Clocked {
            let before = books.last.insert((id.0, queued.causality_order().origin), id);
            assert!(before < Some(id), "{id:?} after {before:?}");
        }
    }

    /// How many were handed out.
    pub(super) fn count(&self) -> usize {
        self.books().seen.len()
    }

    /// All that was accepted was handed out, and nothing else.
    pub(super) fn assert_all_seen(&self) {
        let books = self.books();
        let lost: Vec<_> = books.accepted.difference(&books.seen).collect();
        assert!(lost.is_empty(), "accepted and never handed out: {lost:?}");
        let lost: Vec<_> = books.latest.values().filter(|&id| !books.seen.contains(id)).collect();
        assert!(lost.is_empty(), "the newest, and never handed out: {lost:?}");
        drop(books);
        self.assert_none_unsent();
    }

    /// Nothing was handed out that had been refused or given up.
    pub(super) fn assert_none_unsent(&self) {
        let books = self.books();
        let unsent: Vec<_> = books
            .seen
            .iter()
            .filter(|&id| !books.accepted.contains(id) && !books.perhaps.contains(id))
            .collect();
        assert!(unsent.is_empty(), "handed out though it was not accepted: {unsent:?}");
    }

    /// Every intent was dropped, somewhere.
    pub(super) fn assert_none_kept(&self) {
        assert_eq!(Arc::strong_count(&self.witness), 1, "intents of {} exist still", self.books().made);
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}
