//! Mods show themselves in a console.

use super::{ModControl, ModHealth};
use crate::console::{Board, Exhibit, ModRow};

impl Exhibit for ModControl {
    fn show(&self, board: &mut Board) {
        for status in self.status().iter() {
            let fails = matches!(status.health, ModHealth::Failed | ModHealth::Outdated);
            board.module(ModRow {
                name: status.mod_id.clone().unwrap_or_else(|| status.file.clone()),
                version: status.version.clone(),
                health: status.health.to_string(),
                trouble: status.trouble.as_ref().filter(|_| fails).map(ToString::to_string),
                calls: status.costs.calls,
                refused: status.refused,
            });
        }
    }
}
