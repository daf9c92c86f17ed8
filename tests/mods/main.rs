//! The built-in mod loader: loads in order, grants, runs, reloads, switches and stops.

mod by_id;
mod folder;
mod host;
mod loader;
mod many;
mod requires;
