//! Supervision: every task is owned, every exit is reported.
//!
//! | file | what |
//! |---|---|
//! | `machine` | what happens next, and to whom: pure |
//! | `registry` | all workers of a panel: the machine and its records, under one lock |
//! | `handover` | what many threads have to tell, and one tells for all |
//! | `roster` | who lives, by origin |
//! | `supervisor` | spawning tasks, and shutting down |
//! | `driver`, `generation`, `call` | a worker's task, and one run of it: a future, a plain call |
//! | `hosts`, `kinds`, `local`, `off_task` | where tasks are polled: on a runtime, on threads |
//! | `record` | one worker, as its handle and its context see it |
//! | `signal` | wakes a worker's task |
//! | `events`, `report` | the event log, and what a shutdown reports |
//! | `notable` | what a sleeping loop is woken for: pure |
//! | `polling` | which worker each thread runs just now |
//! | `watchdog` | who is stuck: pure |
//! | `unpolled` | workers that no thread comes to |
//! | `watched` | what the watchdog is shown of a panel, and what it finds |

mod call;
pub(crate) mod driver;
pub(crate) mod events;
mod generation;
mod handover;
mod hosts;
pub(crate) mod kinds;
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
pub(crate) mod supervisor;
mod unpolled;
pub(crate) mod watchdog;
pub(crate) mod watched;
