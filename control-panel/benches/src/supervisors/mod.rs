//! The supervisors, each as its user would write it.

mod graceful;
mod joined;
mod kameo;
mod panel;
mod ractor;
mod raw;
mod task_supervisor;
mod taskvisor;

pub use self::{
    graceful::Graceful,
    joined::Joined,
    kameo::Kameo,
    panel::{OnThreads, Panel, worker},
    ractor::Ractor,
    raw::Raw,
    task_supervisor::TaskSupervisor,
    taskvisor::Taskvisor,
};
