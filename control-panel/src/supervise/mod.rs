//! Supervision: every worker's task is owned, every end is known, and a shutdown always ends.
//!
//! | file | what |
//! |---|---|
//! | `lifecycle` | restart, intensity, backoff: pure, events in and decisions out |
//! | `record` | one worker, as its handle and the panel see it |
//! | `registry` | all workers: who lives, what went wrong, the phase of the shutdown |
//! | `driver` | the tokio side of one worker: runs generations, obeys the lifecycle |
//! | `supervisor` | the tokio side of all: the `JoinSet`, spawning, shutting down |
//! | `deadline` | the earlier of a tokio and a native timer |
//! | `panics` | panics as data |
//! | `exit`, `report` | what a worker's end and a shutdown look like to the user |

pub(crate) mod deadline;
pub(crate) mod driver;
pub(crate) mod exit;
pub(crate) mod lifecycle;
pub(crate) mod panics;
pub(crate) mod record;
pub(crate) mod registry;
pub(crate) mod report;
pub(crate) mod supervisor;
