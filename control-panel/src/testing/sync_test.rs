//! Whether a replica's operations give the same state when they are applied again.

use std::{error::Error, fmt};

use super::{Difference, difference};
use crate::replica::{Replica, Stamp, State};

/// How many states are folded side by side. The replica's own is one more.
const FOLDS: usize = 3;

/// How often the operation is looked for: what came out differently once may come out alike.
const ATTEMPTS: usize = 8;

/// Applies all operations of a replica again, three times from the start, and compares: with each other, and with the
/// replica's state. (As the `SyncTestSession` of GGRS.)
///
/// `init` makes the state that the replica began with, anew for each fold: a `HashMap` that is cloned iterates in the order of the
/// original, one that is made anew in another. Where a cut has ended the history, clones of the state at the cut are the start.
///
/// For a test, or for each frame of a debug build: behind the replica's `settle`. It costs as much as applying the whole history
/// three times, and `Debug` output of four states; if they differ, the output of the states after each operation.
///
/// ```
/// use control_panel::{Peer, Replica, Stamp, State, testing};
///
/// #[derive(Clone, Debug, Default)]
/// struct Total(u64);
///
/// impl State for Total {
///     type Op = u64;
///
///     fn apply(&mut self, count: &u64, _: &Stamp) {
///         self.0 += count;
///     }
/// }
///
/// let mut replica = Replica::builder(Peer([1; 32]), Total::default()).build();
/// replica.commit(3);
/// testing::sync_test(&replica, Total::default)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the states differ, with the first operation after which they do, and where in the state. An `apply` that differs seldom may pass:
/// it is a sample, not a proof.
///
/// # Panics
/// If `apply` or `init` does.
pub fn sync_test<S>(replica: &Replica<S>, init: impl Fn() -> S) -> Result<(), Box<Nondeterminism>>
where
    S: State<Op: fmt::Debug> + fmt::Debug,
{
    let base = replica.history().base;
    let start = || std::array::from_fn::<S, FOLDS, _>(|_| base.map_or_else(&init, S::clone));
    let mut folds = start();
    for (stamp, op) in replica.history().operations {
        apply(&mut folds, op, &stamp);
    }
    let Some(difference) = differ(&folds).or_else(|| self::difference(&folds[0], replica.state())) else {
        return Ok(());
    };
    for _ in 0..ATTEMPTS {
        let mut folds = start();
        for (stamp, op) in replica.history().operations {
            apply(&mut folds, op, &stamp);
            if let Some(difference) = differ(&folds) {
                let operation = Some((stamp, format!("{op:?}")));
                return Err(Box::new(Nondeterminism { operation, difference }));
            }
        }
    }
    Err(Box::new(Nondeterminism { operation: None, difference }))
}

fn apply<S: State>(folds: &mut [S; FOLDS], op: &S::Op, stamp: &Stamp) {
    for fold in folds {
        fold.apply(op, stamp);
    }
}

fn differ<S: fmt::Debug>(folds: &[S; FOLDS]) -> Option<Difference> {
    folds[1..].iter().find_map(|fold| difference(&folds[0], fold))
}

/// The same operations gave two states: what [`sync_test`] found. Its `Debug` is its `Display`, one line, for `unwrap`.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use control_panel::{
///     Peer, Replica, Stamp, State,
///     testing::{self, Nondeterminism},
/// };
///
/// static CLOCK: AtomicU64 = AtomicU64::new(0);
///
/// /// Reads what is not in the state.
/// #[derive(Clone, Debug, Default)]
/// struct Times(Vec<u64>);
///
/// impl State for Times {
///     type Op = ();
///
///     fn apply(&mut self, (): &(), _: &Stamp) {
///         self.0.push(CLOCK.fetch_add(1, Ordering::Relaxed));
///     }
/// }
///
/// let mut replica = Replica::builder(Peer([1; 32]), Times::default()).build();
/// replica.commit(());
/// let found: Box<Nondeterminism> =
///     testing::sync_test(&replica, Times::default).unwrap_err();
/// assert!(found.operation.is_some());
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Nondeterminism {
    /// The first operation after which the states differ, and its `Debug` output. `None` if only the replica's own state differs:
    /// `apply` did not differ when it was tried again, or `undo` does not take back what `apply` did.
    pub operation: Option<(Stamp, String)>,
    /// Where in the state.
    pub difference: Difference,
}

impl fmt::Display for Nondeterminism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let difference = &self.difference;
        match &self.operation {
            Some((stamp, op)) => write!(
                f,
                "`apply` is not deterministic: the operation {stamp}, `{op}`, applied again gives another state: {difference}"
            ),
            None => write!(
                f,
                "the replica's state is not what its operations give from the start: {difference}; `apply` is not \
                 deterministic, or `undo` does not take back what it did"
            ),
        }
    }
}

impl fmt::Debug for Nondeterminism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Nondeterminism {}
