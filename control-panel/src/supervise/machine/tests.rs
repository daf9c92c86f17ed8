//! The machine alone: random events against a model (`random`, `world`), and the documented cases (`cases`), and those that are easily
//! got wrong (`corners`).

mod cases;
mod corners;
mod random;
mod world;
