//! Journals on a medium that fails.

mod checks;
mod crashes;
mod failures;
mod pieces;
mod salvage;
mod torn;
