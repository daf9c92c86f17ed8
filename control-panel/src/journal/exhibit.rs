//! A journal shows itself in a console.

use std::fs;

use super::{Journal, journal::WeakJournal};
use crate::console::{Board, Exhibit, JournalRow};

/// A journal that its writer shows: it does not stay open for that.
pub(super) struct Shown(pub(super) WeakJournal);

impl Exhibit for Shown {
    fn show(&self, board: &mut Board) {
        if let Some(journal) = self.0.upgrade() {
            journal.show(board);
        }
    }
}

/// Its path, the size of its file, and what is not on disk yet. It stays open as long as it is shown.
impl Exhibit for Journal {
    fn show(&self, board: &mut Board) {
        let gauge = self.handover().gauge();
        board.journal(JournalRow {
            path: self.path().display().to_string(),
            bytes: fs::metadata(self.path()).ok().map(|file| file.len()),
            pending: self.handed_over().saturating_sub(self.durable()),
            last_fsync: gauge.synced().map(|at| at.elapsed()),
            trouble: gauge.is_halted().then(|| "its writer has failed, and keeps what it has".to_owned()),
        });
    }
}
