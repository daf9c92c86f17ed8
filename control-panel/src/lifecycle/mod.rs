//! The vocabulary of a worker's life, shared by the queue, the supervisor and the panel.
//!
//! | file | what |
//! |---|---|
//! | `options` | how a worker and a group are supervised |
//! | `restart`, `intensity` | whether and when the next run begins; how often is too often: pure |
//! | `cause` | why a run must stop |
//! | `run_token` | one run, until it is cancelled |
//! | `exit` | how a run ended |
//! | `status`, `event` | how a worker is doing; what happened to it |
//! | `error`, `no_reply`, `restart_error` | errors of sends and commands, questions, restarts |
//! | `stop_error` | which errors only say that a run stops: pure |
//! | `unanswered` | replies that a run dropped, held back until its exit is recorded |

pub(crate) mod cause;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod exit;
pub(crate) mod intensity;
pub(crate) mod no_reply;
pub(crate) mod options;
pub(crate) mod restart;
pub(crate) mod restart_error;
pub(crate) mod run_token;
pub(crate) mod status;
pub(crate) mod stop_error;
pub(crate) mod unanswered;

pub(crate) use self::{
    cause::{Cause, CauseCell},
    error::{CommandError, SendError, Stopped, TrySendError},
    event::{Event, EventKind, Notice},
    exit::{Exit, WorkerError, WorkerOutput},
    intensity::{Intensity, Window},
    no_reply::NoReply,
    options::{AutoShutdown, Cancel, Escalate, OnStuck, Strategy, Suspend},
    restart::{Backoff, Restart, Retry},
    restart_error::RestartError,
    run_token::RunToken,
    status::{SpawnError, WorkerStatus},
    stop_error::is_stop_error,
    unanswered::Unanswered,
};
