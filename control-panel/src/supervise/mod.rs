//! Supervision: every task is owned, every end is told.
//!
//! | file | what |
//! |---|---|
//! | `machine` | what happens next, and to whom: pure |
//! | `lifecycle` | restart and backoff: pure |
//! | `intensity` | how often is too often: pure |
//! | `registry` | all workers of a panel: the machine and its records, under one lock |
//! | `handover` | what many threads have to tell, and one tells for all |
//! | `roster` | who lives, by origin |
//! | `supervisor` | spawning tasks, and shutting down |
//! | `driver`, `generation`, `call` | a worker's task, and one run of it: a future, a plain call |
//! | `hosts`, `kinds`, `local`, `off_task` | where tasks are polled: on a runtime, on threads |
//! | `record` | one worker, as its handle and its context see it |
//! | `signal` | wakes a worker's task |
//! | `cause`, `exit`, `events`, `report` | what is told, and to whom |
//! | `stop_error` | which errors say no more than that a worker stops: pure |
//! | `notable` | what a sleeping loop is woken for: pure |
//! | `deadline` | one moment on two clocks |
//! | `ready_timer` | when the time to be ready is over |
//! | `clock` | the one native thread: rings deadlines, looks after the workers |
//! | `polling` | which worker each thread runs just now |
//! | `watchdog` | who is stuck: pure |
//! | `unpolled` | workers that no thread comes to |
//! | `watched` | what the watchdog is shown of a panel, and what it finds |
//! | `panics` | panics as data |

mod call;
pub(crate) mod cause;
pub(crate) mod driver;
pub(crate) mod events;
pub(crate) mod exit;
mod generation;
mod handover;
mod hosts;
pub(crate) mod intensity;
pub(crate) mod kinds;
pub(crate) mod lifecycle;
pub(crate) mod local;
pub(crate) mod machine;
pub(crate) mod notable;
mod off_task;
mod polling;
pub(crate) mod record;
pub(crate) mod registry;
pub(crate) mod report;
pub(crate) mod roster;
mod signal;
mod stop_error;
pub(crate) mod supervisor;
mod timer;
mod unpolled;
pub(crate) mod watchdog;
pub(crate) mod watched;
