//! Irreversible effects, as rows of `ledger`.

use redb::{ReadableTable, Table, WriteTransaction};

use super::{LEDGER, fault_of, rows::check};
use crate::journal::error::Fault;

/// An effect's key.
pub(crate) const STAMP_BYTES: usize = 52;

pub(crate) const BEGUN: u8 = 0;
pub(crate) const DONE: u8 = 1;

/// The table, in a transaction.
pub(crate) struct Ledger<'t>(Table<'t, &'static [u8], &'static [u8]>);

impl<'t> Ledger<'t> {
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, Fault> {
        transaction.open_table(LEDGER).map(Self).map_err(fault_of)
    }

    /// `None` if it was never begun.
    pub(crate) fn get(&self, stamp: &[u8]) -> Result<Option<u8>, Fault> {
        let Some(row) = self.0.get(stamp).map_err(fault_of)? else { return Ok(None) };
        read(stamp, row.value()).map(Some).ok_or_else(damaged)
    }

    pub(crate) fn put(&mut self, stamp: &[u8], state: u8) -> Result<(), Fault> {
        let mut row = vec![state];
        row.extend_from_slice(&check("ledger", stamp, &[state]));
        self.0.insert(stamp, &row[..]).map(drop).map_err(fault_of)
    }
}

/// The state in a row; `None` if it is another than was written.
pub(super) fn read(stamp: &[u8], row: &[u8]) -> Option<u8> {
    let (state, found) = row.split_first()?;
    (stamp.len() == STAMP_BYTES && *state <= DONE && *found == check("ledger", stamp, &[*state]))
        .then_some(*state)
}

pub(super) fn damaged() -> Fault {
    Fault::damaged("a row of `ledger` is another than was written")
}
