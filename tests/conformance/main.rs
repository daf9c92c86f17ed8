//! Four kinds of workers, one set of promises: whatever a worker runs on, it starts, ends, fails, panics, restarts, is replaced
//! and is stopped alike. What differs is said where it does.

mod generations;
mod kinds;
mod runtimes;
mod stops;
