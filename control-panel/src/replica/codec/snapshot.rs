//! The envelope of a snapshot's bytes: its length and hash are declared, and checked before anything in it is read.

use super::{
    DecodeError, EncodeError, Limits, Refused,
    wire::{Reader, put_varint, within},
};

/// Of the envelope and what the replica puts in it; raised with each change of their layout.
const FORMAT: u64 = 5;
const SNAPSHOT: &[u8; 32] = b"control-panel snapshot v5\0\0\0\0\0\0\0";

/// What an envelope holds, its hash checked.
#[derive(Debug)]
pub(crate) struct SnapshotBytes<'a> {
    /// The schema of the author's program.
    pub(crate) schema: u32,
    pub(crate) content: &'a [u8],
}

impl<'a> SnapshotBytes<'a> {
    pub(crate) fn seal(
        schema: u32,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<Vec<u8>, EncodeError> {
        let mut content = Vec::new();
        write(&mut content)?;
        let mut out = Vec::with_capacity(content.len() + 56);
        put_varint(&mut out, FORMAT);
        put_varint(&mut out, u64::from(schema));
        put_varint(&mut out, content.len() as u64);
        out.extend_from_slice(&hash(schema, &content));
        out.extend_from_slice(&content);
        Ok(out)
    }

    pub(crate) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let found = reader.varint()?;
        if found != FORMAT {
            return Err(DecodeError::new(0, Refused::Version { found, known: FORMAT }));
        }
        let schema = reader.varint32()?;
        let offset = reader.offset();
        let length = reader.varint()?;
        let length = within(offset, "bytes", length, limits.bytes)?;
        let declared = reader.array()?;
        let content = reader.bytes(length)?;
        reader.end()?;
        if hash(schema, content) != declared {
            return Err(DecodeError::new(offset, Refused::Hash));
        }
        Ok(Self { schema, content })
    }
}

fn hash(schema: u32, content: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(SNAPSHOT);
    hasher.update(&schema.to_le_bytes());
    hasher.update(content);
    *hasher.finalize().as_bytes()
}
