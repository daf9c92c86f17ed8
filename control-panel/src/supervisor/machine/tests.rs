//! The machine alone: random events against a model (`random`, `world`), and the documented cases (`cases`), and those that are easily
//! got wrong (`corners`); who is refused (`refused`), tasks with keys (`pools`), and generations that outlive their task (`task_dropped`).

mod cases;
mod corners;
mod harness;
mod pools;
mod random;
mod refused;
mod task_dropped;
