//! This replica's own operations, from `commit` to the outbox.

use std::sync::{Arc, OnceLock};

use super::{
    Stamp,
    run::{Operation, Run},
    short::{Bytes, Few},
};

/// The most operations of one run: a longer frame makes several.
pub(crate) const RUN_OPS: usize = 4096;

/// From how many bytes on a run takes no further operation, so that it has room in one delta.
const RUN_BYTES: usize = 1 << 20;

/// What is kept of the buffer that operations are encoded into.
const KEPT_BYTES: usize = 64 << 10;

/// Operations that were committed and are in no run yet, and how far the runs were sent.
pub(crate) struct Own<Op> {
    /// Of the first pending operation.
    first: Option<Stamp>,
    pending: Vec<Operation<Op>>,
    /// Those as they are in their run; of what follows `len`, nothing was committed.
    bytes: Vec<u8>,
    len: usize,
    /// Of the last run whose buffer was given away: the next may be as long.
    longest: usize,
    /// Whether what is pending is not applied, as this peer may not write.
    void: bool,
    /// The run of what is pending, made early for a reader that has the replica by `&`; nothing is added to it.
    early: OnceLock<Arc<Run<Op>>>,
    /// The sequence number after the last operation sent by `outbox`.
    pub(crate) sent: u64,
}

impl<Op> Own<Op> {
    pub(crate) fn new() -> Self {
        let (pending, bytes) = (Vec::new(), Vec::new());
        Self { first: None, pending, bytes, len: 0, longest: 0, void: false, early: OnceLock::new(), sent: 0 }
    }

    /// What is pending is not applied: all of it, as what a peer may do changes only by what is merged, and that seals before.
    pub(crate) fn set_void(&mut self) {
        debug_assert!(self.void || self.pending.is_empty());
        self.void = true;
    }

    pub(crate) fn is_void(&self) -> bool {
        self.void
    }

    /// Whether what is pending must become a run before another operation is committed.
    pub(crate) fn is_closed(&self) -> bool {
        self.pending.len() >= RUN_OPS || self.len >= RUN_BYTES || self.early.get().is_some()
    }

    /// The stamp of the next operation. `first` is called for the first of a run: the others count on from it.
    pub(crate) fn next(&mut self, first: impl FnOnce() -> Stamp) -> Stamp {
        debug_assert!(!self.is_closed());
        let first = *self.first.get_or_insert_with(first);
        let index = self.pending.len() as u64;
        Stamp { lamport: first.lamport + index, author: first.author, seq: first.seq + index }
    }

    /// The Lamport time of the last operation that is pending; 0 if none is.
    pub(crate) fn last_time(&self) -> u64 {
        let count = self.pending.len() as u64;
        self.first.filter(|_| count > 0).map_or(0, |first| first.lamport + count - 1)
    }

    /// Appends the bytes of the operation that is pushed next. `append` may panic: then they are dropped.
    pub(crate) fn encode(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.truncate(self.len);
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(self.longest);
        }
        append(&mut self.bytes);
    }

    /// The operation that was encoded last.
    pub(crate) fn push(&mut self, operation: Operation<Op>) {
        debug_assert!(self.first.is_some());
        self.len = self.bytes.len();
        self.pending.push(operation);
    }

    /// The state's operations that are pending and applied.
    #[cfg(feature = "testing")]
    pub(crate) fn applied(&self) -> impl Iterator<Item = (Stamp, &Op)> {
        let pending = self.first.into_iter().filter(|_| !self.void).flat_map(|first| {
            (0..).zip(&self.pending).map(move |(index, operation)| {
                (
                    Stamp { lamport: first.lamport + index, author: first.author, seq: first.seq + index },
                    operation,
                )
            })
        });
        pending.filter_map(|(stamp, operation)| match operation {
            Operation::Apply(op) => Some((stamp, op)),
            _ => None,
        })
    }

    /// The run of what is pending, for a reader.
    pub(crate) fn peek(
        &self,
        make: impl FnOnce(Few<Operation<Op>>, Bytes) -> Arc<Run<Op>>,
    ) -> Option<&Arc<Run<Op>>>
    where
        Op: Clone,
    {
        let bytes = &self.bytes[..self.len];
        (!self.pending.is_empty())
            .then(|| self.early.get_or_init(|| make(self.pending.clone().into(), bytes.into())))
    }

    /// Whether nothing is pending.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        debug_assert!(!self.pending.is_empty() || (self.first.is_none() && !self.void));
        self.pending.is_empty()
    }

    /// What was encoded: the buffer itself, where a copy would cost more than another.
    fn encoded(bytes: &mut Vec<u8>, len: usize) -> Bytes {
        if len < KEPT_BYTES / 2 {
            return bytes[..len].into();
        }
        bytes.truncate(len);
        std::mem::take(bytes).into()
    }

    /// Takes what is pending, as the run that was made early or `make` makes now.
    pub(crate) fn take(
        &mut self,
        make: impl FnOnce(Few<Operation<Op>>, Bytes) -> Arc<Run<Op>>,
    ) -> Option<Arc<Run<Op>>> {
        (self.first, self.void) = (None, false);
        if self.pending.is_empty() {
            return None;
        }
        let pending = Few::take(&mut self.pending);
        let early = self.early.take();
        let run = early.unwrap_or_else(|| make(pending, Self::encoded(&mut self.bytes, self.len)));
        self.longest = if self.bytes.capacity() == 0 { self.len } else { 0 };
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.len = 0;
        Some(run)
    }
}
