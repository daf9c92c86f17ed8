//! The states between two times, once more.

use super::{Replica, Stamp, State, fold::Entry};

impl<S: State> Replica<S> {
    /// Applies the stable operations above a Lamport time and up to another once more, and calls `each` with the state after each of them: to find the operation after which
    /// the states of two replicas differ. Where one reports a [`Desync`](super::ReplicaNotice::Desync), both list that window, and the first line in which the lists differ is the
    /// operation's: `DesyncReport` (features `testing`, `journal`) compares them, and says where in the state, too.
    ///
    /// It begins with the state as of the last [cut](Self::cut) or a later snapshot, so what a cut covers is not shown. What is not
    /// [stable](Self::watermark) is not shown either: it may be another on the other replica. A replica whose `apply` differs from itself may show other states than it went through.
    ///
    /// It changes nothing. Cost: a clone of the state, and an `apply` for each operation from that state on.
    ///
    /// ```
    /// use control_panel::{Peer, Replica, Stamp, State};
    ///
    /// /// The program of one of the two rounds.
    /// #[derive(Clone)]
    /// struct Total(u64, fn(u64) -> u64);
    ///
    /// impl State for Total {
    ///     type Op = u64;
    ///
    ///     fn apply(&mut self, n: &u64, _: &Stamp) {
    ///         self.0 += (self.1)(*n);
    ///     }
    /// }
    ///
    /// let list = |program: fn(u64) -> u64| {
    ///     let me = Peer([1; 32]);
    ///     let mut replica = Replica::new(me, [me], Total(0, program));
    ///     for n in [3, 20, 41, 60] {
    ///         replica.commit(n);
    ///         let _ = replica.outbox(); // what is sent can become stable
    ///         let _ = replica.settle();
    ///     }
    ///     let mut lines = Vec::new();
    ///     replica.refold(0, replica.watermark(), |stamp, op, state| {
    ///         lines.push((stamp.lamport, *op, state.0))
    ///     });
    ///     lines
    /// };
    /// let (here, there) = (list(|n| n), list(|n| n / 2 * 2));
    /// let first = here.iter().zip(&there).find(|(one, other)| one != other);
    /// assert_eq!(first, Some((&(1, 3, 3), &(1, 3, 2))));
    /// ```
    ///
    /// # Panics
    /// If `apply` or `each` does.
    pub fn refold(&self, after: u64, upto: u64, mut each: impl FnMut(&Stamp, &S::Op, &S)) {
        self.refold_from(after, upto, |operation, state| {
            if let Some((stamp, op)) = operation {
                each(&stamp, op, state);
            }
        });
    }

    /// The same, and if there is any operation, the state before it first, of none.
    pub(super) fn refold_from(
        &self,
        after: u64,
        upto: u64,
        mut each: impl FnMut(Option<(Stamp, &S::Op)>, &S),
    ) {
        let (upto, (_, base)) = (upto.min(self.stable), self.fold.base());
        let after = after.max(base);
        if after >= upto {
            return;
        }
        let mut state = S::clone(&self.fold.state_below(after));
        each(None, &state);
        for entry in self.fold.entries(after, upto) {
            let (stamp, op) = (Entry::stamp(entry), entry.op());
            state.apply(op, &stamp);
            each(Some((stamp, op)), &state);
        }
    }
}
