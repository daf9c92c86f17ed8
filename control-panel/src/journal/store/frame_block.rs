//! Frames as rows: many in one value, with one hash chained to the block before.

use super::rows::{put_difference, read_difference, seal, split_hash, takes};
use crate::{
    journal::record::{FrameRecord, FrameRow},
    replica::{
        RunHash,
        codec::{DecodeError, Reader, Refused, put_varint},
    },
};

/// Keep these hashes apart from all others that use BLAKE3.
const CHAIN: &[u8; 32] = b"control-panel journal frames v2\0";
const BOND: &[u8; 32] = b"control-panel journal bond v2\0\0\0";
const UPTO: &[u8; 32] = b"control-panel journal upto v2\0\0\0";

/// What the bond of no run is.
const UNBOUND: [u8; 32] = [0; 32];

/// What is before a block's rows: where it goes on from, and the bond.
const HEAD: usize = 64;

/// A row's numbers are written as differences from these.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    session: u64,
    panel_frame: u64,
    /// The number of the run after the last one named.
    run: u64,
}

/// The hash of the runs that frames name, one after the other: which runs they are, and not only how they are numbered.
pub(super) fn bond(before: &[u8; 32], run: &RunHash) -> [u8; 32] {
    let mut message = [0; 64];
    message[..32].copy_from_slice(before);
    message[32..].copy_from_slice(&run.0);
    *blake3::keyed_hash(BOND, &message).as_bytes()
}

/// The block at the end of the file, which grows.
#[derive(Debug)]
pub(super) struct FrameBlock {
    /// The number of its first frame.
    pub(super) first: u64,
    start: [u8; 32],
    bond: [u8; 32],
    count: u64,
    rows: Vec<u8>,
    before: Before,
}

impl FrameBlock {
    pub(super) fn new(first: u64, start: [u8; 32]) -> Self {
        Self { first, start, bond: UNBOUND, count: 0, rows: Vec::new(), before: Before::default() }
    }

    pub(super) fn read(first: u64, row: &[u8]) -> Result<Self, DecodeError> {
        let mut block = Self::new(first, UNBOUND);
        let StoredFrames { start, bond, .. } = StoredFrames::each(first, row, |_, before, _| {
            (block.count, block.before) = (block.count + 1, before);
        })?;
        (block.start, block.bond) = (start, bond);
        block.rows.extend_from_slice(&row[HEAD..row.len() - 32]);
        Ok(block)
    }

    /// The number of the next frame.
    pub(super) fn next(&self) -> u64 {
        self.first + self.count
    }

    /// Whether it was written: not if this is full.
    pub(super) fn push(&mut self, frame: &FrameRecord, runs: &[(u64, RunHash)]) -> bool {
        let (len, mut before) = (self.rows.len(), self.before);
        put_difference(&mut self.rows, before.session, frame.session);
        put_difference(&mut self.rows, before.panel_frame, frame.panel_frame);
        put_varint(&mut self.rows, (runs.len() as u64) << 1 | u64::from(frame.digest.is_some()));
        for (number, _) in runs {
            put_difference(&mut self.rows, before.run, *number);
            before.run = number + 1;
        }
        if let Some(digest) = frame.digest {
            self.rows.extend_from_slice(&digest.to_le_bytes());
        }
        put_varint(&mut self.rows, frame.intents.len() as u64);
        self.rows.extend_from_slice(&frame.intents);
        if self.count > 0 && !takes(HEAD + len + 32, self.rows.len() - len) {
            self.rows.truncate(len);
            return false;
        }
        self.count += 1;
        (before.session, before.panel_frame) = (frame.session, frame.panel_frame.wrapping_add(1));
        self.before = before;
        self.bond = runs.iter().fold(self.bond, |before, (_, hash)| bond(&before, hash));
        true
    }

    /// The row, and its hash.
    pub(super) fn row(&self) -> (Vec<u8>, [u8; 32]) {
        let mut row = Vec::with_capacity(HEAD + self.rows.len() + 32);
        row.extend_from_slice(&self.start);
        row.extend_from_slice(&self.bond);
        row.extend_from_slice(&self.rows);
        let chain = seal(CHAIN, self.first, &row);
        row.extend_from_slice(&chain);
        (row, chain)
    }
}

/// A block as it is in the file.
#[derive(Clone, Debug)]
pub(super) struct StoredFrames {
    pub(super) first: u64,
    /// The hash of the block before.
    pub(super) start: [u8; 32],
    bond: [u8; 32],
    /// The hash of this one and, by the one before, of all earlier ones.
    pub(super) chain: [u8; 32],
    pub(super) rows: Vec<FrameRow<u64>>,
}

impl StoredFrames {
    /// Checks its hash.
    pub(super) fn read(first: u64, row: &[u8]) -> Result<Self, DecodeError> {
        let mut rows = Vec::new();
        let read = Self::each(first, row, |frame, _, _| rows.push(frame))?;
        Ok(Self { rows, ..read })
    }

    /// With each frame what the next one's numbers are differences from, and where it ends.
    fn each(
        first: u64,
        row: &[u8],
        mut each: impl FnMut(FrameRow<u64>, Before, usize),
    ) -> Result<Self, DecodeError> {
        let (content, chain) = split_hash(row)?;
        if seal(CHAIN, first, content) != chain {
            return Err(DecodeError::new(0, Refused::Malformed("a hash that is another")));
        }
        let mut reader = Reader::new(content);
        let (start, bond) = (reader.array()?, reader.array()?);
        let (mut before, mut number) = (Before::default(), first);
        while reader.left() > 0 {
            let frame = read_frame(&mut reader, number, &mut before)?;
            each(frame, before, reader.offset());
            number = number
                .checked_add(1)
                .ok_or_else(|| DecodeError::new(reader.offset(), Refused::Malformed("too many frames")))?;
        }
        if number == first {
            return reader.refuse(Refused::Malformed("a block without frames"));
        }
        Ok(Self { first, start, bond, chain, rows: Vec::new() })
    }

    /// The hash of all frames up to that one: the same also when the block has grown.
    pub(super) fn hash_upto(first: u64, row: &[u8], number: u64) -> Result<Option<[u8; 32]>, DecodeError> {
        let mut hash = None;
        Self::each(first, row, |frame, _, end| {
            if frame.number == number {
                hash = Some(seal(UPTO, first, &[&row[..32], &row[HEAD..end]].concat()));
            }
        })?;
        Ok(hash)
    }

    /// The number of the next frame.
    pub(super) fn next(&self) -> u64 {
        self.first + self.rows.len() as u64
    }

    /// Whether its runs are these, in the order in which its frames name them.
    pub(super) fn binds<'r>(&self, runs: impl IntoIterator<Item = &'r RunHash>) -> bool {
        runs.into_iter().fold(UNBOUND, |before, run| bond(&before, run)) == self.bond
    }
}

fn read_frame(
    reader: &mut Reader<'_>,
    number: u64,
    before: &mut Before,
) -> Result<FrameRow<u64>, DecodeError> {
    let session = read_difference(reader, before.session)?;
    let panel_frame = read_difference(reader, before.panel_frame)?;
    let word = reader.varint()?;
    let count = usize::try_from(word >> 1).unwrap_or(usize::MAX);
    let mut runs = Vec::with_capacity(count.min(reader.left()));
    for _ in 0..count {
        let run = read_difference(reader, before.run)?;
        before.run = run.wrapping_add(1);
        runs.push(run);
    }
    let digest = if word & 1 == 0 { None } else { Some(u64::from_le_bytes(reader.array()?)) };
    let length = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    let intents = reader.bytes(length)?.to_vec();
    (before.session, before.panel_frame) = (session, panel_frame.wrapping_add(1));
    Ok(FrameRow { number, session, panel_frame, intents, runs, digest })
}
