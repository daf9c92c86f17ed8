//! Where exhibits show themselves.

use std::fmt;

use super::{Fact, JournalRow, ModRow, PeerRow};

/// How many rows of a kind a board takes; it counts the others.
const MOST: usize = 256;

/// What exhibits show. It takes 256 rows of each kind, and counts those beyond. A row of the same name takes the place of the one
/// before: so a program says more of a peer than its worker knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Board {
    pub(crate) policy: Vec<Fact>,
    pub(crate) mods: Vec<ModRow>,
    pub(crate) peers: Vec<PeerRow>,
    pub(crate) journals: Vec<JournalRow>,
    pub(crate) left_out: usize,
}

impl Board {
    /// Adds a line of the policy.
    pub fn policy(&mut self, name: impl Into<String>, value: impl fmt::Display) {
        let fact = Fact { name: name.into(), value: value.to_string() };
        put(&mut self.policy, &mut self.left_out, fact, |fact| &fact.name);
    }

    /// Adds a mod.
    pub fn module(&mut self, row: ModRow) {
        put(&mut self.mods, &mut self.left_out, row, |row| &row.name);
    }

    /// Adds a peer.
    pub fn peer(&mut self, row: PeerRow) {
        put(&mut self.peers, &mut self.left_out, row, |row| &row.name);
    }

    /// Adds a journal.
    pub fn journal(&mut self, row: JournalRow) {
        put(&mut self.journals, &mut self.left_out, row, |row| &row.path);
    }
}

fn put<T>(rows: &mut Vec<T>, left_out: &mut usize, row: T, name: impl Fn(&T) -> &String) {
    if let Some(before) = rows.iter_mut().find(|before| name(before) == name(&row)) {
        *before = row;
    } else if rows.len() < MOST {
        rows.push(row);
    } else {
        *left_out += 1;
    }
}
