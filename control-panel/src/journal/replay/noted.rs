//! A state that was made of all frames up to one, as the journal keeps it, for the next start to begin with.

use std::{any::TypeId, collections::BTreeMap};

use serde::{Serialize, de::DeserializeOwned};

use super::{player::read, restore::Restored, shape::shape};
use crate::{
    replica::codec::{DecodeError, Reader, Refused, put_varint, write_postcard},
    util::panics,
};

/// Keeps this hash apart from all others that use BLAKE3.
const KEY: &[u8; 32] = b"control-panel journal noted v2\0\0";

/// Where fewer bytes of intents came since the last note, none is made.
const FEW: usize = 256 << 10;

/// Whether so many bytes of intents behind the last note make another due: few enough to be read again in a moment, and never fewer than what the last note
/// took. So notes cost a part of what is recorded, whatever the size of the state.
pub(crate) fn is_due(unnoted: usize, last: usize) -> bool {
    unnoted >= last.max(FEW)
}

/// The row. The layout is in `../README.md`.
#[derive(Clone, Copy)]
pub(crate) struct Noted<'a> {
    /// The fingerprint of the reducer that made it.
    pub(super) reducer: Option<u64>,
    /// Of the last frame that is in it: another file's frame of that number has another.
    pub(crate) hash: [u8; 32],
    pub(super) given: u64,
    pub(super) left_out: u64,
    shape: [u8; 8],
    state: &'a [u8],
}

impl<'a> Noted<'a> {
    /// `None` if it is none that this version wrote, or was changed since.
    pub(crate) fn read(row: &'a [u8]) -> Option<Self> {
        let read = |row: &'a [u8]| -> Result<Self, DecodeError> {
            let (content, hash) =
                row.split_last_chunk().ok_or(DecodeError::new(0, Refused::Truncated { missing: 32 }))?;
            if *blake3::keyed_hash(KEY, content).as_bytes() != *hash {
                return Err(DecodeError::new(0, Refused::Malformed("a hash that is another")));
            }
            let mut reader = Reader::new(content);
            let reducer =
                if reader.array()? == [1] { Some(u64::from_le_bytes(reader.array()?)) } else { None };
            let (hash, given, left_out) = (reader.array()?, reader.varint()?, reader.varint()?);
            let shape = reader.array()?;
            let state = reader.bytes(reader.left())?;
            Ok(Self { reducer, hash, given, left_out, shape, state })
        };
        read(row).ok()
    }

    /// `None` if the type of the state has changed since.
    pub(super) fn state<T: Serialize + DeserializeOwned>(&self) -> Option<T> {
        let state: T = read(self.state).ok()?;
        (shape_of(&state)? == self.shape).then_some(state)
    }

    /// The same, and what it was made of.
    pub(in crate::journal) fn restored<T: Serialize + DeserializeOwned>(&self) -> Option<Restored<T>> {
        Some(Restored { state: self.state()?, given: self.given, left_out: self.left_out, gone: 0 })
    }

    /// `None` where the state could not be read back.
    pub(crate) fn write<T: Serialize + DeserializeOwned>(
        reducer: Option<u64>,
        hash: [u8; 32],
        (given, left_out): (u64, u64),
        state: &T,
    ) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let written = panics::catch_silently(|| write_postcard(state, &mut bytes).is_ok());
        let noted = Noted { reducer, hash, given, left_out, shape: shape_of(state)?, state: &bytes };
        let readable = matches!(written, Ok(true)) && noted.state::<T>().is_some();
        readable.then(|| noted.row())
    }

    /// The row, where its last frame has another hash.
    pub(crate) fn row_with(&self, hash: [u8; 32]) -> Vec<u8> {
        Self { hash, ..*self }.row()
    }

    fn row(&self) -> Vec<u8> {
        let Self { reducer, hash, given, left_out, shape, state } = *self;
        let mut row = vec![u8::from(reducer.is_some())];
        row.extend(reducer.into_iter().flat_map(u64::to_le_bytes));
        row.extend_from_slice(&hash);
        put_varint(&mut row, given);
        put_varint(&mut row, left_out);
        row.extend_from_slice(&shape);
        row.extend_from_slice(state);
        let hash = blake3::keyed_hash(KEY, &row);
        row.extend_from_slice(hash.as_bytes());
        row
    }
}

fn shape_of<T: Serialize>(state: &T) -> Option<[u8; 8]> {
    panics::catch_silently(|| shape(state)).ok()?.ok().map(u64::to_le_bytes)
}

/// What the starts of one replay came to, for its later ones: about as many bytes as the recording's intents at most, as one is made only where more bytes of intents came since
/// the last than that took.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    /// By how many frames are in it.
    noted: BTreeMap<usize, Vec<u8>>,
    /// The type of what made it: another's is no beginning.
    of: Option<TypeId>,
}

impl Checkpoints {
    /// The last that has no more frames than that.
    pub(super) fn before(&self, of: TypeId, frames: usize) -> Option<(usize, &[u8])> {
        let noted = self.noted.range(..=frames).rfind(|_| self.of == Some(of));
        noted.map(|(frames, row)| (*frames, &row[..]))
    }

    pub(super) fn keep(&mut self, of: TypeId, frames: usize, row: Vec<u8>) {
        if self.of.replace(of) != Some(of) {
            self.noted.clear();
        }
        self.noted.insert(frames, row);
    }
}
