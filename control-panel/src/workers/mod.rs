//! Built-in workers.
