//! Journals on a medium that fails.

mod crashes;
mod failures;
mod salvage;
mod torn;
