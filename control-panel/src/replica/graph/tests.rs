//! The graph against random schedules and against what no honest replica sends.

mod cover;
mod forgetting;
mod forks;
mod gaps;
mod harness;
mod oracle;
mod random;
mod refusals;
