//! Journals on a medium that fails.

mod anew;
mod checks;
mod compacted;
mod crashes;
mod endless;
mod failures;
mod gone;
mod histories;
mod pieces;
mod salvage;
mod torn;
