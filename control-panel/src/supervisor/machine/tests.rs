//! The machine alone: random events against a model (`random`, `harness`), the documented cases (`cases`), cases that
//! are easy to get wrong (`corners`), refusals (`refused`), tasks with keys (`pools`), and runs that outlive their task
//! (`task_dropped`).

mod cases;
mod corners;
mod harness;
mod pools;
mod random;
mod refused;
mod task_dropped;
