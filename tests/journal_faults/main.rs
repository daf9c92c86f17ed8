//! What is no journal, or not a whole one, is refused by name, and left as it is to the last byte.

mod files;
mod processes;

use std::path::Path;

use control_panel::journal::Journal;

/// A journal that was closed, with two sessions in it.
fn make(path: &Path) {
    for _ in 0..2 {
        Journal::open(path).unwrap().close().unwrap();
    }
}
