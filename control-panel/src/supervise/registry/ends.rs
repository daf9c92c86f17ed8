//! Workers that ended as they were told to, on their way to being told of.
//!
//! When everybody stops, all threads have ends to tell at once. Each leaves its own here, and one of them tells of all that
//! are there, while the others go on to the next worker: nobody sleeps on the lock of the registry for it.

use std::{
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{Ordering, fence},
    },
};

use super::{Registry, State, effects::Effects};
use crate::{
    queued::Origin,
    supervise::{exit::Exit, record::Record},
};

/// No more than there are workers.
#[derive(Default)]
pub(super) struct Ends {
    left: Mutex<Vec<End>>,
    /// Held by who tells of them, and only ever tried. The emptied list of the turn before, to be filled again.
    turn: Mutex<Vec<End>>,
}

struct End {
    origin: Origin,
    exit: Exit,
    last_words: Option<Exit>,
}

impl Ends {
    fn left(&self) -> MutexGuard<'_, Vec<End>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// The worker's generation is over because the worker was told to end, and nothing of it is left.
    pub(in crate::supervise) fn ended(&self, record: &Record, exit: Exit) {
        let last_words = super::last_words(record);
        self.ends.left().push(End { origin: record.origin, exit, last_words });
        // What follows waits until no end is left to tell of: it runs code of others, for which nobody's end may wait.
        let mut effects = Effects::default();
        loop {
            // Who leaves an end and finds the turn taken goes its way: whoever has the turn looks again after it. One of the
            // two sees the other.
            fence(Ordering::SeqCst);
            let mut turn = match self.ends.turn.try_lock() {
                Ok(turn) => turn,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => break,
            };
            // Taken only under the lock of the state: so none is on its way when somebody else looks.
            let mut state = self.lock();
            mem::swap(&mut *self.ends.left(), &mut *turn);
            for end in turn.drain(..) {
                state.ended(end);
            }
            self.resolve(&mut state, &mut effects);
            drop((state, turn));
            fence(Ordering::SeqCst);
            if self.ends.left().is_empty() {
                break;
            }
        }
        self.execute(effects);
    }

    /// What ended so far has ended, whoever was to tell of it.
    pub(super) fn take_ends(&self, state: &mut State) {
        let ends = mem::take(&mut *self.ends.left());
        for end in ends {
            state.ended(end);
        }
    }
}

impl State {
    fn ended(&mut self, End { origin, exit, last_words }: End) {
        self.machine.ended(origin, exit, last_words);
    }
}
