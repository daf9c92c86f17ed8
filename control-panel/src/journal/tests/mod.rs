//! Journals on a medium that fails.

mod anew;
mod checks;
mod compacted;
mod crashes;
mod failures;
mod histories;
mod pieces;
mod salvage;
mod torn;
