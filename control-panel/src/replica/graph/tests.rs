//! The graph against random schedules and against what no honest replica sends.

mod harness;
mod refusals;
