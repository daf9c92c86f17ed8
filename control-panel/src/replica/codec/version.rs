//! A version's bytes: what a replica asks with.

use super::{
    DecodeError, Limits, Refused,
    operations::{put_author, read_author},
    wire::{Reader, put_varint},
};
use crate::replica::{RunHash, Version, version::End};

/// Of a version's bytes alone: they are in a hello, which programs of all formats must be able to read to refuse each other by name.
const FORMAT: u64 = 1;

/// The fewest bytes of an author's entry: peer, incarnation, count, ends.
const LEAST: usize = 35;

/// Feature `codec`.
impl Version {
    /// The bytes, for a peer that answers with [`Replica::since`](crate::Replica::since). One version has one encoding.
    ///
    /// ```
    /// use control_panel::{Author, Peer, replica::{Version, codec::Limits}};
    ///
    /// let author = Author { peer: Peer([1; 32]), incarnation: 0 };
    /// let version = Version::from_iter([(author, 300)]);
    /// let bytes = version.encode();
    /// assert_eq!(bytes.len(), 38);
    /// assert_eq!(Version::decode(&bytes, &Limits::default())?, version);
    /// # Ok::<(), control_panel::replica::codec::DecodeError>(())
    /// ```
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, FORMAT);
        let authors = || self.iter().filter(|(_, count)| *count > 0);
        put_varint(&mut out, authors().count() as u64);
        for (author, count) in authors() {
            put_author(author, &mut out);
            put_varint(&mut out, count);
            let ends = self.ends(author);
            put_varint(&mut out, ends.len() as u64);
            for End { next_seq, hash } in ends {
                put_varint(&mut out, *next_seq);
                out.extend_from_slice(&hash.0);
            }
        }
        out
    }

    /// Reads bytes from an untrusted source, of no more authors than the limits allow.
    ///
    /// # Errors
    /// What is refused, where, and what mends it.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let found = reader.varint()?;
        if found != FORMAT {
            return Err(DecodeError::new(0, Refused::Version { found, known: FORMAT }));
        }
        let (mut version, mut last) = (Self::new(), None);
        for _ in 0..reader.count("authors", limits.authors, LEAST)? {
            let author = read_author(&mut reader)?;
            if last.replace(author).is_some_and(|last| last >= author) {
                return reader.refuse(Refused::NotCanonical("authors are not in order"));
            }
            let count = reader.varint()?;
            if count == 0 {
                return reader.refuse(Refused::NotCanonical("an author without operations"));
            }
            version.raise(author, count);
            read_ends(&mut reader, limits, count, |end| version.add_end(author, end))?;
        }
        reader.end()?;
        Ok(version)
    }
}

fn read_ends(
    reader: &mut Reader<'_>,
    limits: &Limits,
    count: u64,
    mut add: impl FnMut(End),
) -> Result<(), DecodeError> {
    let mut last = None;
    for _ in 0..reader.count("heads of an author", limits.heads, 33)? {
        let end = End { next_seq: reader.varint()?, hash: RunHash(reader.array()?) };
        if last.replace(end).is_some_and(|last| last >= end) {
            return reader.refuse(Refused::NotCanonical("ends are not in order"));
        }
        if end.next_seq == 0 || end.next_seq > count {
            return reader.refuse(Refused::Malformed("the end of a run that is not counted"));
        }
        add(end);
    }
    Ok(())
}
