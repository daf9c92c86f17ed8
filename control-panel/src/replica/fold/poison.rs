//! Operations whose `apply` panics.

use std::{any::Any, sync::Arc};

use super::{
    entry::{Entry, Out},
    line::Line,
};
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
        let void = self.skip;
        let entry = self.at(position);
        entry.set(Out::Poison, true);
        let stamp = entry.stamp();
        if entry.report_once() {
            self.poisoned.push(Poison { stamp, message: panic, void });
        }
        self.broken = true;
        self.dirty = self.dirty.min(position);
        self.checkpoint = position;
        if !self.skip {
            self.stop_at(position);
        }
    }

    /// The fold stops before this operation. Those above it that had panicked did so after something else.
    fn stop_at(&mut self, position: usize) {
        self.frozen = Some(position);
        self.retry = self.retry.min(position + 1);
    }

    /// Whether operations that panic are void.
    pub(super) fn set_skip(&mut self, skip: bool) {
        if self.skip == skip {
            return;
        }
        self.skip = skip;
        if skip {
            if let Some(frozen) = self.frozen.take() {
                self.resume(frozen);
            }
        } else if let Some(place) = self.log.iter().position(Entry::blocks) {
            let position = self.first + place;
            self.stop_at(position);
            self.resume(position);
            // What is above it is taken back with a snapshot.
            self.broken = true;
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
