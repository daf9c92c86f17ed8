//! Small tools that know nothing of workers, intents or panels.
//!
//! | file | what |
//! |---|---|
//! | `sync` | the standard library's primitives, or shuttle's in a model |
//! | `mutex` | a mutex without poison |
//! | `seq_lock` | a few numbers that one thread writes and others read without holding it up |
//! | `spin` | a lock for a few instructions, or shuttle's in a model |
//! | `park` | waiting for a future on a thread that drives no runtime |
//! | `race` | the first of two futures |
//! | `rare` | what is nearly always empty, and often looked at |
//! | `clock` | the one native thread: fires deadlines, and runs the watchdogs |
//! | `deadline` | one moment on two clocks |
//! | `tasks` | tasks with names |
//! | `timer` | calls a function at a moment of a runtime's clock |
//! | `panics` | panics as data |
//! | `callbacks` | wakers, `on_ready`, destructors: called in a row, whatever each of them does |
//! | `seconds` | durations in JSON: seconds |
//! | `span` | the span of a run |
//! | `difference` | where two values differ, by their `Debug` output |
//! | `name` | a name that is cheap to clone |

pub(crate) mod callbacks;
pub(crate) mod clock;
pub(crate) mod deadline;
#[cfg(any(feature = "journal", feature = "testing"))]
pub(crate) mod difference;
pub(crate) mod mutex;
pub(crate) mod name;
pub(crate) mod panics;
pub(crate) mod park;
pub(crate) mod race;
pub(crate) mod rare;
#[cfg(feature = "serde")]
pub(crate) mod seconds;
pub(crate) mod seq_lock;
pub(crate) mod span;
pub(crate) mod spin;
pub(crate) mod sync;
pub(crate) mod tasks;
pub(crate) mod timer;

pub(crate) use self::{
    callbacks::Callbacks,
    deadline::{Moment, Pause},
    mutex::Mutex,
    name::Name,
    panics::PanicReport,
    race::{Raced, race},
    rare::Rare,
    seq_lock::SeqLock,
    span::Span,
    timer::{Stoppable, Timer},
};
