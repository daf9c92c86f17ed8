//! The machine alone: random events against a model (`random`, `world`), and the documented cases (`cases`), and those that are easily
//! got wrong (`corners`); tasks with keys (`pools`).

mod cases;
mod corners;
mod pools;
mod random;
mod world;
