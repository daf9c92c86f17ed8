//! A failure is seen without any feature and without a task: by the reducer, in the status, in the handle.

mod forwarded;
mod refused;
mod shown;
mod verdict;
