//! A local operation, from `commit` until it is in a run.

use super::{Replica, Stamp, State, membership::Right, run::Operation};

/// # Committing
impl<S: State> Replica<S> {
    /// A local operation: applied immediately, and sent with the next [`outbox`](Self::outbox).
    ///
    /// It sorts after everything this replica has, merged deltas that are not settled included. Where this peer may not write (retired, or
    /// invited to read), the operation is void: it is not applied, and [`take_void`](Self::take_void) returns it. Before an invitation of this peer is
    /// merged, and while this replica's journal cannot keep it (the disk is full), it has no place in the order either, and is not sent: the
    /// Lamport time of its stamp is 0.
    ///
    /// Cost: one `apply`, and an entry in the log. Each 1,024th also clones the state, where there are no undo records. With a codec, the operation is encoded, and
    /// an own `Codec` reads it back once.
    ///
    /// # Panics
    /// Not where `apply` does: the next `settle` reports that and restores the state. With a codec, before anything is changed: if the operation
    /// is longer than its limits allow, or is not read back from its bytes, as no other replica would take it.
    pub fn commit(&mut self, op: S::Op) -> Stamp {
        if self.accepts() { self.commit_accepted(op) } else { self.commit_unplaced(op) }
    }

    /// Like [`commit`](Self::commit), of an operation that the state makes, if it counts: where it would be void, or have no place, `make` is not called and nothing
    /// happens.
    ///
    /// For a state with a document that can only tell what was typed by being typed into ([`yrs`](super::guide), behind a `&self`): what is typed is
    /// never in the state alone.
    ///
    /// ```
    /// use control_panel::{Peer, Replica, Stamp, State, replica::Grant};
    ///
    /// #[derive(Clone, Default)]
    /// struct Lines(Vec<String>);
    ///
    /// impl State for Lines {
    ///     type Op = (usize, String);
    ///
    ///     fn apply(&mut self, (at, line): &(usize, String), _: &Stamp) {
    ///         self.0.insert((*at).min(self.0.len()), line.clone());
    ///     }
    /// }
    ///
    /// let [owner, reader] = [Peer([1; 32]), Peer([2; 32])];
    /// let replica = |peer| {
    ///     let builder = Replica::builder(peer, Lines::default());
    ///     builder.member(owner, Grant::Owner).member(reader, Grant::Read).build()
    /// };
    /// let append = |lines: &Lines| (lines.0.len(), "and so on".to_owned());
    /// assert!(replica(owner).commit_with(append).is_some());
    /// assert!(replica(reader).commit_with(append).is_none());
    /// ```
    ///
    /// Cost: that of `commit`.
    ///
    /// # Panics
    /// As `commit` does, and where `make` does; then nothing is committed.
    pub fn commit_with(&mut self, make: impl FnOnce(&S) -> S::Op) -> Option<Stamp> {
        let counts = self.accepts() && !self.cut_off && self.membership.may(self.me.peer, Right::Write);
        counts.then(|| {
            let op = make(self.state());
            self.commit_accepted(op)
        })
    }

    fn commit_accepted(&mut self, op: S::Op) -> Stamp {
        let operation = Operation::Apply(op);
        self.encode(&operation);
        let may_write = self.membership.may(self.me.peer, Right::Write);
        if self.cut_off || (!may_write && self.is_uninvited()) {
            let Operation::Apply(op) = operation else { unreachable!("it is one of the state's") };
            return self.commit_unplaced(op);
        }
        let stamp = self.place();
        let Operation::Apply(op) = &operation else { unreachable!("it is one of the state's") };
        if may_write {
            self.fold.apply_tail(op, &stamp);
            self.unsettled |= self.fold.is_busy();
        } else {
            self.own.set_void();
        }
        self.push(operation, &stamp);
        stamp
    }

    /// The bytes of the next operation, as part of what is pending. If it has none that others take this panics, and nothing has changed.
    pub(super) fn encode(&mut self, operation: &Operation<S::Op>) {
        if self.own.is_closed() {
            self.seal();
        }
        if self.missing.is_some() {
            self.go_on_without_own();
        }
        let Self { own, identify, .. } = self;
        own.encode(|bytes| identify.encode(operation, bytes));
    }

    /// The place of the next operation of this replica, which is encoded.
    pub(super) fn place(&mut self) -> Stamp {
        let Self { own, graph, me, .. } = self;
        own.next(|| Stamp { lamport: graph.next_lamport(), author: *me, seq: graph.own_next_seq() })
    }

    pub(super) fn push(&mut self, operation: Operation<S::Op>, stamp: &Stamp) {
        self.own.push(operation);
        self.graph.raise_own(stamp.seq + 1);
    }

    /// What is pending becomes a run.
    #[inline]
    pub(super) fn seal(&mut self) {
        if !self.own.is_empty() {
            self.seal_pending();
        }
    }

    #[inline(never)]
    fn seal_pending(&mut self) {
        let Self { own, graph, identify, schema, fingerprint, .. } = self;
        let was_void = own.is_void();
        let make =
            |operations, encoded| graph.prepare(operations, encoded, (*schema, *fingerprint), &**identify);
        let Some(run) = own.take(make) else { return };
        if !was_void {
            self.fold.seal(&run);
        }
        let admitted = self.graph.append_own(run);
        self.admit_own(&admitted, was_void);
    }
}
