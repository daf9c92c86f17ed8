//! A file of a format before becomes one of this.
//!
//! From 2 to 3 small tables have checks, and there are cuts. From 3 to 4 `strands` and `places` have checks, too, and snapshots are of another format: one that is there stays as it is, and is read or refused by the
//! replica (`replica/codec/README.md`).

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    BEGINNINGS, CUTS, FORMAT, LEDGER, Ledger, Meta, PLACES, RETURNED, STRANDS, fault_of, founders,
    meta::{CHECKED, META, read_rows},
    open::begin,
    rows::{put_number, put_returned_prefix, put_strand, read_author, read_returned_v2},
};
use crate::journal::error::Fault;

/// Of format 2: effects without a check.
const EFFECTS: TableDefinition<'_, &[u8], u8> = TableDefinition::new("effects");

/// Before format 4: without a check.
const PLACES_V3: TableDefinition<'_, [u8; 12], u64> = TableDefinition::new("places");
/// The first whose strands and places have checks.
const PLACES_CHECKED: u64 = 4;

/// In one transaction. It is held back with all that an open writes, and is a reader's own where the file is only read.
pub(super) fn upgrade(db: &Database) -> Result<(), Fault> {
    let reading = db.begin_read().map_err(fault_of)?;
    let rows = read_rows(&reading.open_table(META).map_err(fault_of)?)?;
    let (meta, founders) = (Meta::of(&rows)?, founders::read(&rows)?);
    drop(reading);
    if meta.format == FORMAT {
        return Ok(());
    }
    let transaction = begin(db)?;
    {
        let mut table = transaction.open_table(META).map_err(fault_of)?;
        Meta { format: FORMAT, ..meta }.write(founders.as_ref(), &mut table).map_err(fault_of)?;
    }
    if meta.format < CHECKED {
        add_checks(&transaction)?;
    }
    if meta.format < PLACES_CHECKED {
        add_checks_to_places(&transaction)?;
    }
    transaction.commit().map_err(fault_of)
}

fn add_checks(transaction: &WriteTransaction) -> Result<(), Fault> {
    {
        transaction.open_table(CUTS).map_err(fault_of)?;
        transaction.open_table(LEDGER).map_err(fault_of)?;
        let mut ledger = Ledger::open(transaction)?;
        let effects = transaction.open_table(EFFECTS).map_err(fault_of)?;
        for row in effects.iter().map_err(fault_of)? {
            let (stamp, state) = row.map_err(fault_of)?;
            ledger.put(stamp.value(), state.value())?;
        }
        let mut returned = transaction.open_table(RETURNED).map_err(fault_of)?;
        let mut rows = Vec::new();
        for row in returned.iter().map_err(fault_of)? {
            let (key, ()) = row.map(|(key, _)| (key, ())).map_err(fault_of)?;
            rows.extend(read_returned_v2(key.value()));
        }
        returned.retain(|_, ()| false).map_err(fault_of)?;
        for (number, prefix) in rows {
            returned.insert(&put_returned_prefix(number, prefix)[..], ()).map_err(fault_of)?;
        }
    }
    transaction.delete_table(EFFECTS).map_err(fault_of)?;
    Ok(())
}

fn add_checks_to_places(transaction: &WriteTransaction) -> Result<(), Fault> {
    let (mut strands, mut places) = (Vec::new(), Vec::new());
    {
        let table = transaction.open_table(STRANDS).map_err(fault_of)?;
        for row in table.iter().map_err(fault_of)? {
            let (strand, author) = row.map_err(fault_of)?;
            strands.push((strand.value(), read_author(author.value()).map_err(Fault::damaged)?));
        }
        let table = transaction.open_table(PLACES_V3).map_err(fault_of)?;
        for row in table.iter().map_err(fault_of)? {
            places.push(row.map(|(place, number)| (place.value(), number.value())).map_err(fault_of)?);
        }
    }
    transaction.open_table(BEGINNINGS).map_err(fault_of)?;
    transaction.delete_table(PLACES_V3).map_err(fault_of)?;
    let mut table = transaction.open_table(STRANDS).map_err(fault_of)?;
    for (strand, author) in strands {
        table.insert(strand, &put_strand(strand, author)[..]).map_err(fault_of)?;
    }
    let mut table = transaction.open_table(PLACES).map_err(fault_of)?;
    for (place, number) in places {
        table.insert(place, put_number(&place, number)).map_err(fault_of)?;
    }
    Ok(())
}
