//! The envelope of a snapshot's bytes: its length and hash are declared, and checked before anything in it is read.

use super::{
    DecodeError, EncodeError, Limits, Refused,
    wire::{Reader, put_varint, within},
};

/// Of the envelope and what the replica puts in it; raised with each change of their layout.
const FORMAT: u64 = 3;
const SNAPSHOT: &[u8; 32] = b"control-panel snapshot v3\0\0\0\0\0\0\0";
/// The format before. What it lacks is said where its content is read.
const BEFORE: u64 = 2;
const SNAPSHOT_BEFORE: &[u8; 32] = b"control-panel snapshot v2\0\0\0\0\0\0\0";

/// What an envelope holds, its hash checked.
#[derive(Debug)]
pub(crate) struct SnapshotBytes<'a> {
    /// The schema of the author's program.
    pub(crate) schema: u32,
    /// Whether it is of the format before.
    pub(crate) is_older: bool,
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
        out.extend_from_slice(&hash(SNAPSHOT, schema, &content));
        out.extend_from_slice(&content);
        Ok(out)
    }

    pub(crate) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let found = reader.varint()?;
        let key = match found {
            FORMAT => SNAPSHOT,
            BEFORE => SNAPSHOT_BEFORE,
            _ => return Err(Self::refused(found)),
        };
        let schema = reader.varint32()?;
        let offset = reader.offset();
        let length = reader.varint()?;
        let length = within(offset, "bytes", length, limits.bytes)?;
        let declared = reader.array()?;
        let content = reader.bytes(length)?;
        reader.end()?;
        if hash(key, schema, content) != declared {
            return Err(DecodeError::new(offset, Refused::Hash));
        }
        Ok(Self { schema, is_older: found == BEFORE, content })
    }

    /// It is of the format before, and what that lacks has to be known.
    pub(crate) fn lacks() -> DecodeError {
        Self::refused(BEFORE)
    }

    fn refused(found: u64) -> DecodeError {
        DecodeError::new(0, Refused::Version { found, known: FORMAT })
    }

    /// The same content in the format before.
    #[cfg(test)]
    pub(crate) fn seal_older(schema: u32, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, BEFORE);
        put_varint(&mut out, u64::from(schema));
        put_varint(&mut out, content.len() as u64);
        out.extend_from_slice(&hash(SNAPSHOT_BEFORE, schema, content));
        out.extend_from_slice(content);
        out
    }
}

fn hash(key: &[u8; 32], schema: u32, content: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&schema.to_le_bytes());
    hasher.update(content);
    *hasher.finalize().as_bytes()
}
