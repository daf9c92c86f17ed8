//! Operations whose `apply` panics.

use std::{any::Any, sync::Arc};

use super::{entry::Out, line::Line};
use crate::replica::{Stamp, State};
use crate::util::panics;

/// An operation whose `apply` panicked. Reported once; tried again only if what is below it changes, as the verdict must depend on that alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Poison {
    pub(crate) stamp: Stamp,
    pub(crate) message: String,
    /// Whether the fold goes on without it, or stopped before it.
    pub(crate) void: bool,
}

/// Runs the user's code on a state that is given up or restored if it panics. What it borrows beside that is whole after each operation.
pub(super) fn caught<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    panics::hold(work).map_err(message)
}

/// The payload is dropped apart: its destructor is the user's too.
fn message(payload: Box<dyn Any + Send>) -> String {
    let message = panics::message(&*payload).unwrap_or("a panic with no text").to_owned();
    panics::discard(payload);
    message
}

impl<S: State> Line<S> {
    /// The operation at that position panicked.
    pub(super) fn poison(&mut self, position: usize, panic: String) {
        self.has_poison = true;
        self.at(position).set(Out::Poison, true);
        let void = !self.stops_at(position);
        let entry = self.at(position);
        let stamp = entry.stamp();
        if entry.report_once() {
            self.poisoned.push(Poison { stamp, message: panic, void });
        }
        self.broken = true;
        self.dirty = self.dirty.min(position);
        self.checkpoint = position;
        if !void {
            self.stop_at(position);
        }
    }

    /// The fold stops before this operation. Those above it that had panicked did so after something else.
    fn stop_at(&mut self, position: usize) {
        self.frozen = Some(position);
        self.retry = self.retry.min(position + 1);
    }

    /// Whether the operation at that position panicked, and is not void for it.
    pub(super) fn stops_at(&self, position: usize) -> bool {
        let entry = &self.log[position - self.first];
        entry.blocks() && entry.lamport > self.void_upto && !entry.concluded()
    }

    /// Up to which Lamport time operations that panic are void.
    #[inline]
    pub(super) fn set_void_upto(&mut self, lamport: u64) {
        if self.void_upto != lamport || self.frozen.is_some() {
            self.move_void_upto(lamport);
        }
    }

    #[inline(never)]
    fn move_void_upto(&mut self, lamport: u64) {
        let before = std::mem::replace(&mut self.void_upto, lamport);
        let released = self.frozen.filter(|frozen| !self.stops_at(*frozen));
        if let Some(frozen) = released {
            self.frozen = None;
            self.resume(frozen);
        }
        if !self.has_poison || (released.is_none() && lamport >= before) {
            return;
        }
        // What was void is void no more, or waited behind the one that is now.
        let stops = (self.above(lamport)..self.end()).find(|position| self.stops_at(*position));
        if let Some(position) = stops.filter(|position| self.frozen.is_none_or(|frozen| *position < frozen)) {
            self.stop_at(position);
            self.resume(position);
            // What is above it is taken back with a snapshot.
            self.broken |= self.reach > position;
        }
    }

    /// Beyond the budget there is a redo; until then the state is an older one, but a true one.
    pub(super) fn give_up(&mut self) {
        if self.broken {
            let (from, start) = self.snapshots.nearest(self.dirty.min(self.end()));
            let start = Arc::clone(start);
            self.restart(from, &start);
            (self.dirty, self.broken) = (from, false);
        }
    }
}
