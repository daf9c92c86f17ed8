//! The failure of a law, in one line.

use std::fmt::{self, Debug};

use crate::{
    replica::Stamp,
    supervision::PanicReport,
    util::{
        difference::{Difference, difference, outline},
        panics,
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Law {
    Total,
    OwnClone,
    Deterministic,
    NoHashOrder,
    NoClock,
    NoAddress,
    NoThread,
    UndoableIsApply,
    UndoIsInverse,
    TrueFootprints,
    Commutes,
    Idempotent,
}

impl Law {
    fn words(self) -> &'static str {
        match self {
            Self::Total => "`apply` is total: an operation that makes no sense in a state changes nothing",
            Self::OwnClone => {
                "a clone is its own: what is applied to one changes no other, and both go on alike"
            }
            Self::Deterministic => {
                "`apply` is deterministic: no randomness, counter, order of a HashMap made in it, or anything else but state, operation and stamp"
            }
            Self::NoHashOrder => "no HashMap order: a `HashMap` or `HashSet` was iterated into the state",
            Self::NoClock => "no wall clock: time has no part in `apply`",
            Self::NoAddress => "no address: where a value is in memory has no part in `apply`",
            Self::NoThread => "no thread: thread ids and thread-locals have no part in `apply`",
            Self::UndoableIsApply => "`apply_undoable` does what `apply` does",
            Self::UndoIsInverse => "`undo` is the inverse: the state is what it was, and goes on as it did",
            Self::TrueFootprints => {
                "footprints are true: where two do not meet, the operations can be applied, and undone, in any order"
            }
            Self::Commutes => "`Footprint::Commutes` commutes with every operation",
            Self::Idempotent => "`Footprint::Commutes` is idempotent: a second time changes nothing",
        }
    }
}

/// Which law, by which operation, and where it shows.
#[derive(Debug)]
pub(super) struct BrokenLaw {
    pub(super) law: Law,
    seed: u64,
    /// The operation with its number in the script, or two.
    operation: String,
    shows: Shows,
}

#[derive(Debug)]
pub(super) enum Shows {
    Panic(String),
    Differ(Option<Difference>),
}

impl Shows {
    pub(super) fn panic(report: &PanicReport) -> Self {
        Self::Panic(outline::shorten(&report.to_string().replace('\n', " ")))
    }

    pub(super) fn differ<S: Debug>(left: &S, right: &S) -> Self {
        Self::Differ(difference(left, right))
    }
}

/// Runs the program's code.
pub(super) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Shows> {
    panics::install();
    panics::catch(f).map_err(|report| Shows::panic(&report))
}

impl BrokenLaw {
    pub(super) fn new<Op: Debug>(law: Law, seed: u64, operations: &[(Stamp, Op)], shows: Shows) -> Self {
        let words = |(stamp, op): &(Stamp, Op)| format!("{} ({stamp})", outline::brief(op));
        let operation = operations.iter().map(words).collect::<Vec<_>>().join(" and ");
        Self { law, seed, operation, shows }
    }
}

impl fmt::Display for BrokenLaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { law, seed, operation, shows } = self;
        write!(f, "law broken: {}; seed {seed}, operation {operation}: ", law.words())?;
        match shows {
            Shows::Panic(message) => write!(f, "panicked {message}"),
            Shows::Differ(Some(difference)) => write!(f, "{difference}"),
            Shows::Differ(None) => {
                f.write_str("states differ by `==`, in what their `Debug` output does not show")
            }
        }
    }
}
