//! A state that a start made of all frames up to one, as the journal keeps it: the next start begins with it.

use serde::{Serialize, de::DeserializeOwned};

use super::{player::read, shape::shape};
use crate::{
    replica::codec::{DecodeError, Reader, put_varint, write_postcard},
    supervise::panics,
};

/// The row. The layout is in `../README.md`.
pub(super) struct Noted<'a> {
    /// The fingerprint of the reducer that made it.
    pub(super) reducer: Option<u64>,
    /// Of the last frame that is in it: another file's frame of that number has another.
    pub(super) hash: [u8; 32],
    pub(super) given: u64,
    pub(super) left_out: u64,
    shape: [u8; 8],
    state: &'a [u8],
}

impl<'a> Noted<'a> {
    /// `None` if it is none that this version wrote.
    pub(super) fn read(row: &'a [u8]) -> Option<Self> {
        let read = |row| -> Result<Self, DecodeError> {
            let mut reader = Reader::new(row);
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

    /// `None` where the state could not be read back.
    pub(super) fn write<T: Serialize + DeserializeOwned>(
        reducer: Option<u64>,
        hash: [u8; 32],
        given: u64,
        left_out: u64,
        state: &T,
    ) -> Option<Vec<u8>> {
        let mut row = vec![u8::from(reducer.is_some())];
        row.extend(reducer.into_iter().flat_map(u64::to_le_bytes));
        row.extend_from_slice(&hash);
        put_varint(&mut row, given);
        put_varint(&mut row, left_out);
        row.extend_from_slice(&shape_of(state)?);
        let written = panics::catch_silently(|| write_postcard(state, &mut row).is_ok());
        let readable = matches!(written, Ok(true)) && Noted::read(&row)?.state::<T>().is_some();
        readable.then_some(row)
    }
}

fn shape_of<T: Serialize>(state: &T) -> Option<[u8; 8]> {
    panics::catch_silently(|| shape(state)).ok()?.ok().map(u64::to_le_bytes)
}
