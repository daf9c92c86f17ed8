//! A session's messages as bytes.

mod connection;
mod frame;
mod reader;

use super::payload::Payload;
use crate::replica::RunHash;

pub(crate) use self::connection::Connection;
#[cfg(test)]
pub(super) use self::{
    frame::{Kind, encode},
    reader::FrameReader,
};

const GROUP: &[u8; 32] = b"control-panel group v1\0\0\0\0\0\0\0\0\0\0";

/// A group's name between peers: a hash that says nothing of its members to one that does not know them.
pub(crate) fn group(genesis: RunHash) -> [u8; 32] {
    *blake3::keyed_hash(GROUP, &genesis.0).as_bytes()
}

/// Bytes, as they came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wire {}

impl Payload for Wire {
    type Delta = Vec<u8>;
    type Chunk = Vec<u8>;
    type Hasher = blake3::Hasher;

    fn delta_size(delta: &Vec<u8>) -> usize {
        delta.len()
    }

    fn chunk_size(chunk: &Vec<u8>) -> usize {
        chunk.len()
    }

    fn update(hasher: &mut blake3::Hasher, chunk: &Vec<u8>) {
        hasher.update(chunk);
    }

    fn finish(hasher: blake3::Hasher) -> [u8; 32] {
        *hasher.finalize().as_bytes()
    }
}
