//! What a snapshot stands for, as a row of `cuts`.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{put_author, read_author, seal, split_hash};
use crate::{
    journal::record::SnapshotNote,
    replica::{
        Forgotten, Peer, RunHash, Version,
        codec::{DecodeError, Limits, Reader, Refused, put_varint},
        keeper::Resume,
    },
};

/// Keeps these hashes apart from all others that use BLAKE3.
const KEY: &[u8; 32] = b"control-panel journal cuts v3\0\0\0";

const OWN: u8 = 1;
const PROVISIONAL: u8 = 2;
/// All blocks that nothing needs any more are gone.
const DONE: u8 = 4;
/// How many blocks were left is noted.
const LEFT: u8 = 8;

/// A row of `cuts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) session: u64,
    /// Of the snapshot's bytes.
    pub(super) hash: [u8; 32],
    pub(super) note: SnapshotNote,
    /// Whether what is below it was let go of.
    pub(super) is_done: bool,
    /// How many blocks of runs were left then, or are kept as frames name them: another snapshot is made when there are more than twice as many.
    pub(super) left: Option<u64>,
}

impl Cut {
    pub(super) fn new(session: u64, snapshot: &[u8], note: SnapshotNote) -> Self {
        Self { session, hash: *blake3::hash(snapshot).as_bytes(), note, is_done: false, left: None }
    }

    pub(super) fn row(&self) -> Vec<u8> {
        let SnapshotNote { level, version, forgotten, resume } = &self.note;
        let Resume { is_own, provisional, void } = resume;
        let flag = |flag, is_set| if is_set { flag } else { 0 };
        let mut row = vec![
            flag(OWN, *is_own)
                | flag(PROVISIONAL, provisional.is_some())
                | flag(DONE, self.is_done)
                | flag(LEFT, self.left.is_some()),
        ];
        row.extend_from_slice(&self.hash);
        put_varint(&mut row, *level);
        if let Some((peer, level)) = provisional {
            row.extend_from_slice(&peer.0);
            put_varint(&mut row, *level);
        }
        if let Some(left) = self.left {
            put_varint(&mut row, left);
        }
        let version = version.encode();
        put_varint(&mut row, version.len() as u64);
        row.extend_from_slice(&version);
        put_varint(&mut row, forgotten.len() as u64);
        for (author, Forgotten { least, most }) in forgotten {
            row.extend_from_slice(&put_author(*author));
            put_varint(&mut row, *least);
            put_varint(&mut row, *most);
        }
        put_varint(&mut row, void.len() as u64);
        for hash in void {
            row.extend_from_slice(&hash.0);
        }
        let hash = seal(KEY, self.session, &row);
        row.extend_from_slice(&hash);
        row
    }

    /// Checks its hash.
    pub(super) fn read(session: u64, row: &[u8]) -> Result<Self, DecodeError> {
        let (content, hash) = split_hash(row)?;
        if seal(KEY, session, content) != hash {
            return Err(DecodeError::new(0, Refused::Malformed("a hash that is another")));
        }
        let mut reader = Reader::new(content);
        let [flags] = reader.array()?;
        let hash = reader.array()?;
        let level = reader.varint()?;
        let provisional =
            if flags & PROVISIONAL == 0 { None } else { Some((Peer(reader.array()?), reader.varint()?)) };
        let left = if flags & LEFT == 0 { None } else { Some(reader.varint()?) };
        let length = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        let limits = Limits { authors: usize::MAX, heads: usize::MAX, ..Limits::default() };
        let version = Version::decode(reader.bytes(length)?, &limits)?;
        let mut forgotten = BTreeMap::new();
        for _ in 0..reader.count("authors", usize::MAX, 38)? {
            let author = read_author(reader.bytes(36)?)?;
            forgotten.insert(author, Forgotten { least: reader.varint()?, most: reader.varint()? });
        }
        let mut void = BTreeSet::new();
        for _ in 0..reader.count("runs", usize::MAX, 32)? {
            void.insert(RunHash(reader.array()?));
        }
        reader.end()?;
        let resume = Resume { is_own: flags & OWN != 0, provisional, void };
        let note = SnapshotNote { level, version, forgotten, resume };
        Ok(Self { session, hash, note, is_done: flags & DONE != 0, left })
    }
}
