//! The file: tables and rows, and nothing of the user's types. The layout is in `../README.md`.
//!
//! | file | job |
//! |---|---|
//! | `open.rs`, `store.rs`, `tail.rs`, `append.rs` | what writes: one transaction for a group of frames |
//! | `reader.rs` | what reads: one state of the file, whatever is written meanwhile |
//! | `since.rs`, `lookup.rs` | what peers lack, from one read to the next; where a peer is |
//! | `snapshots.rs`, `cut.rs`, `compact.rs` | snapshots, what they stand for, and how runs are let go of |
//! | `begun.rs` | where the recording begins, if what was before is gone |
//! | `check.rs` | hashes and checks, all of them |
//! | `ledger.rs` | effects, noted before |
//! | `pages.rs`, `scan.rs`, `found.rs` | what a damaged file still proves, without redb |
//! | `meta.rs`, `founders.rs`, `rows.rs`, `run_block.rs`, `frame_block.rs` | rows as bytes |
//! | `strands.rs` | where an author's runs are |
//! | `disk.rs`, `stage.rs` | what lies between redb and the file: nothing is written before the file is known to be right |

mod append;
mod begun;
mod check;
mod compact;
mod cut;
mod disk;
mod found;
mod founders;
mod frame_block;
mod ledger;
mod lookup;
mod meta;
mod open;
mod pages;
mod reader;
mod rows;
mod run_block;
mod scan;
mod since;
mod snapshots;
mod stage;
#[expect(clippy::module_inception, reason = "one type, one file, and the room is named for it")]
mod store;
mod strands;
mod tail;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

use redb::TableDefinition;

#[cfg(test)]
pub(super) use self::since::Runs;
pub(crate) use self::{
    append::Item,
    begun::Begun,
    disk::Disk,
    found::Proved,
    founders::{Founders, byte_of, grant_of},
    ledger::{BEGUN, DONE, Ledger, STAMP_BYTES},
    meta::{FORMAT, Meta, ReplicaMeta, Unkept},
    reader::Reader,
    rows::FIRST,
    scan::{FoundSnapshot, Scan},
    since::Place,
    snapshots::KeptSnapshot,
    store::Store,
};
use super::error::Fault;

const STRANDS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("strands");
const PLACES: TableDefinition<'_, [u8; 12], [u8; 16]> = TableDefinition::new("places");
const OPS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ops");
const FRAMES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("frames");
const SNAPSHOTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("snapshots");
const CUTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("cuts");
const LEDGER: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("ledger");
const RESTORED: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("restored");
const BEGINNINGS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("beginnings");
const RETURNED: TableDefinition<'_, &[u8], ()> = TableDefinition::new("returned");

/// With what every redb file begins.
pub(crate) const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// Of redb's pages in memory; beyond it the system's cache serves.
const CACHE_BYTES: usize = 32 << 20;

/// What an error of redb's says about a journal.
fn fault_of(error: impl Into<redb::Error>) -> Fault {
    match error.into() {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => Fault::damaged(error),
        redb::Error::Io(error) => Fault::of_io(error),
        redb::Error::DatabaseClosed => Fault::Closed,
        redb::Error::Corrupted(what) => Fault::Damaged { what },
        redb::Error::TableDoesNotExist(_) => Fault::NotAJournal,
        redb::Error::UpgradeRequired(version) => {
            Fault::damaged(format_args!("version {version} of the file below the tables"))
        }
        redb::Error::PreviousIo => Fault::Io(std::io::Error::other("an earlier access to the file failed")),
        error => Fault::damaged(error),
    }
}
