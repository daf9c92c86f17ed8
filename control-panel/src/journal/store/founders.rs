//! The members that the replica's group began with, as a row of `meta`.

use std::collections::BTreeMap;

use super::meta::Rows;
use crate::{
    journal::error::Fault,
    replica::{Grant, Peer},
};

/// Each peer, and what it may do.
pub(crate) type Founders = BTreeMap<Peer, Grant>;

/// The name of the row.
const FOUNDERS: &str = "founders";
/// A peer, and its grant.
const ENTRY: usize = 33;
/// More are not noted: all rows of `meta` are in one page, which a salvage finds by itself.
const NOTED: usize = 64;

/// Whether the row of that name may have so many bytes.
pub(super) fn may_be(name: usize, value: usize) -> bool {
    name == FOUNDERS.len() && value <= NOTED * ENTRY
}

pub(super) fn put(founders: &Founders, rows: &mut Rows) {
    if founders.len() > NOTED {
        return;
    }
    let mut row = Vec::with_capacity(founders.len() * ENTRY);
    for (peer, grant) in founders {
        row.extend_from_slice(&peer.0);
        row.push(byte_of(*grant));
    }
    rows.insert(FOUNDERS.to_owned(), row);
}

/// `None` in the file of a program that did not note them.
pub(super) fn read(rows: &Rows) -> Result<Option<Founders>, Fault> {
    let Some(row) = rows.get(FOUNDERS) else { return Ok(None) };
    let wrong = || Fault::damaged("`founders` in `meta` is no list of peers");
    let entry = |entry: &[u8]| {
        let (grant, peer) = entry.split_last()?;
        Some((Peer(peer.try_into().ok()?), grant_of(*grant)?))
    };
    row.chunks(ENTRY).map(entry).collect::<Option<_>>().map(Some).ok_or_else(wrong)
}

pub(crate) fn byte_of(grant: Grant) -> u8 {
    match grant {
        Grant::Read => 0,
        Grant::Write => 1,
        Grant::Owner => 2,
    }
}

pub(crate) fn grant_of(byte: u8) -> Option<Grant> {
    [Grant::Read, Grant::Write, Grant::Owner].into_iter().find(|grant| byte_of(*grant) == byte)
}
