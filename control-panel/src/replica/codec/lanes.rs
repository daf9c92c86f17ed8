//! BLAKE3 of many messages side by side: the processor's wide instructions hash up to sixteen chunks at once, and a run has few.
//!
//! `blake3::hash` uses them within one message. Across messages only its `platform` module does, which is public without being promised: so it is named in this file alone, the
//! crate's requirement of BLAKE3 ends at the next minor version, and each digest here is one of `blake3::hash`, as a test compares.

use blake3::{
    IncrementCounter,
    platform::{Platform, le_bytes_from_words_32, words_from_le_bytes_32},
};

use super::hash::{BLOCK, Content, content_hash, put_content, whole_content};
use crate::replica::run::Header;

/// Bytes and blocks of a chunk.
const CHUNK: usize = 1024;
const BLOCKS: usize = CHUNK / BLOCK;

/// Longer messages fill the lanes by themselves.
const LONG: usize = 32 * CHUNK;

/// What is hashed by one call.
const AT_ONCE: usize = 64;

// BLAKE3, section 2.
const IV: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
const CHUNK_START: u8 = 1;
const CHUNK_END: u8 = 1 << 1;
const PARENT: u8 = 1 << 2;
const ROOT: u8 = 1 << 3;
const KEYED: u8 = 1 << 4;

/// What `blake3::hash` makes of some whole blocks, a chunk at most.
#[inline]
pub(super) fn hash_blocks(blocks: &[u8]) -> Value {
    compress(IV, 0, blocks)
}

/// What `blake3::keyed_hash` makes of a message that is a chunk at most.
#[inline]
pub(super) fn keyed_hash_short(key: &Value, message: &[u8]) -> Value {
    compress(words_from_le_bytes_32(key), KEYED, message)
}

/// Without a hasher that takes any message in pieces: that costs half as much as each block or two that most runs have.
#[inline(always)]
fn compress(mut value: [u32; 8], mode: u8, message: &[u8]) -> Value {
    debug_assert!((1..=CHUNK).contains(&message.len()));
    let platform = Platform::detect();
    let mut blocks = message.chunks(BLOCK).peekable();
    let mut flags = mode | CHUNK_START;
    while let Some(bytes) = blocks.next() {
        if blocks.peek().is_none() {
            flags |= CHUNK_END | ROOT;
        }
        let mut padded = [0; BLOCK];
        let block = if let Some(whole) = bytes.first_chunk() {
            whole
        } else {
            padded[..bytes.len()].copy_from_slice(bytes);
            &padded
        };
        platform.compress_in_place(&mut value, block, bytes.len().to_le_bytes()[0], 0, flags);
        flags = mode;
    }
    le_bytes_from_words_32(&value)
}

/// Contents that are hashed together.
pub(super) struct Lanes {
    platform: Platform,
    bytes: Vec<u8>,
    messages: Vec<Message>,
    contents: Vec<Content>,
    /// By the number of blocks of a chunk, less one: chunks that are hashed together.
    groups: [Vec<Chunk>; BLOCKS],
    /// Chaining values of messages of several chunks.
    values: Vec<Value>,
}

type Value = [u8; 32];

#[derive(Clone, Copy)]
struct Message {
    /// Where its bytes begin, and how many blocks they are. 0: it is hashed already.
    start: usize,
    blocks: usize,
}

/// One to be hashed, and where its value goes.
#[derive(Clone, Copy)]
struct Chunk {
    start: usize,
    to: usize,
}

impl Lanes {
    pub(super) fn new() -> Self {
        Self {
            platform: Platform::detect(),
            bytes: Vec::new(),
            messages: Vec::new(),
            contents: Vec::new(),
            groups: [const { Vec::new() }; BLOCKS],
            values: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.messages.clear();
        self.contents.clear();
    }

    /// The bytes that wait to be hashed.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub(super) fn push(&mut self, header: &Header, count: usize, operations: &[u8]) {
        let start = self.bytes.len();
        let (blocks, content) = if let Some(whole) = whole_content(header, count, operations) {
            (0, whole)
        } else if operations.len() > LONG {
            (0, Content::Hashed(content_hash(header, count, operations)))
        } else {
            (put_content(&mut self.bytes, header, count, operations), Content::Hashed([0; 32]))
        };
        self.messages.push(Message { start, blocks });
        self.contents.push(content);
    }

    /// The contents, in the order in which they were pushed.
    pub(super) fn finish(&mut self) -> &[Content] {
        self.short();
        if self.messages.iter().any(|message| message.blocks > BLOCKS) {
            self.several();
        }
        &self.contents
    }

    /// Messages of one chunk.
    fn short(&mut self) {
        for (to, Message { start, blocks }) in self.messages.iter().enumerate() {
            if (1..=BLOCKS).contains(blocks) {
                self.groups[blocks - 1].push(Chunk { start: *start, to });
            }
        }
        self.hash_groups(0, CHUNK_END | ROOT, false);
    }

    /// Messages of several chunks: the chunks of one number together, then pairs of values, level by level.
    fn several(&mut self) {
        let mut left: Vec<Tree> = Vec::new();
        let mut values = 0;
        for (to, Message { blocks, .. }) in self.messages.iter().enumerate() {
            if *blocks > BLOCKS {
                let count = blocks.div_ceil(BLOCKS);
                left.push(Tree { to, first: values, count });
                values += count;
            }
        }
        self.values.clear();
        self.values.resize(values, [0; 32]);
        let most = left.iter().map(|tree| tree.count).max().unwrap_or(0);
        for number in 0..most {
            for tree in &left {
                let Message { start, blocks } = self.messages[tree.to];
                if number < tree.count {
                    let here = (blocks - number * BLOCKS).min(BLOCKS);
                    let chunk = Chunk { start: start + number * CHUNK, to: tree.first + number };
                    self.groups[here - 1].push(chunk);
                }
            }
            self.hash_groups(number as u64, CHUNK_END, true);
        }
        while !left.is_empty() {
            self.parents(&mut left);
        }
    }

    /// Hashes what is in the groups: to the values, or else to the contents.
    fn hash_groups(&mut self, counter: u64, end: u8, to_values: bool) {
        let Self { values: of_chunks, contents, .. } = self;
        macro_rules! of_blocks {
            ($($blocks:literal)*) => {
                $(
                    let group = &mut self.groups[$blocks - 1];
                    for chunks in group.chunks(AT_ONCE) {
                        let mut inputs = [&[0; $blocks * BLOCK]; AT_ONCE];
                        for (input, chunk) in inputs.iter_mut().zip(chunks) {
                            *input = self.bytes[chunk.start..].first_chunk().expect("whole blocks");
                        }
                        let flags = (0, CHUNK_START, end);
                        let values = many(self.platform, &inputs[..chunks.len()], counter, flags);
                        for (chunk, value) in chunks.iter().zip(values) {
                            if to_values {
                                of_chunks[chunk.to] = value;
                            } else {
                                contents[chunk.to] = Content::Hashed(value);
                            }
                        }
                    }
                    group.clear();
                )*
            };
        }
        of_blocks!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
    }

    /// One level of all trees. Those that have their root are done.
    fn parents(&mut self, left: &mut Vec<Tree>) {
        // Roots, and others.
        for flags in [PARENT | ROOT, PARENT] {
            let (mut pairs, mut to) = (Vec::new(), Vec::new());
            for tree in left.iter() {
                if (tree.count == 2) == (flags & ROOT != 0) {
                    for pair in 0..tree.count / 2 {
                        let at = tree.first + 2 * pair;
                        let mut block = [0; BLOCK];
                        block[..32].copy_from_slice(&self.values[at]);
                        block[32..].copy_from_slice(&self.values[at + 1]);
                        pairs.push(block);
                        to.push(if tree.count == 2 { tree.to } else { tree.first + pair });
                    }
                }
            }
            for (pairs, to) in pairs.chunks(AT_ONCE).zip(to.chunks(AT_ONCE)) {
                let mut inputs = [&[0; BLOCK]; AT_ONCE];
                inputs.iter_mut().zip(pairs).for_each(|(input, pair)| *input = pair);
                let values = many(self.platform, &inputs[..pairs.len()], 0, (flags, 0, 0));
                for (to, value) in to.iter().zip(values) {
                    if flags & ROOT == 0 {
                        self.values[*to] = value;
                    } else {
                        self.contents[*to] = Content::Hashed(value);
                    }
                }
            }
        }
        left.retain_mut(|tree| {
            let (pairs, odd) = (tree.count / 2, tree.count % 2);
            if odd == 1 {
                self.values[tree.first + pairs] = self.values[tree.first + tree.count - 1];
            }
            tree.count = pairs + odd;
            tree.count > 1
        });
    }
}

/// A message of several chunks: its values, as far as they are joined.
struct Tree {
    to: usize,
    first: usize,
    count: usize,
}

/// At most [`AT_ONCE`].
#[inline]
fn many<const N: usize>(
    platform: Platform,
    inputs: &[&[u8; N]],
    counter: u64,
    (flags, start, end): (u8, u8, u8),
) -> [Value; AT_ONCE] {
    let mut out = [[0; 32]; AT_ONCE];
    let bytes = out.as_flattened_mut();
    platform.hash_many(inputs, &IV, counter, IncrementCounter::No, flags, start, end, bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::{
        Author, Peer, RunHash,
        codec::hash::{linked, run_hash},
    };

    #[test]
    fn what_is_hashed_without_a_hasher_is_hashed_alike() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(CHUNK).collect();
        for length in 1..=CHUNK {
            let message = &bytes[..length];
            assert_eq!(
                keyed_hash_short(&[3; 32], message),
                *blake3::keyed_hash(&[3; 32], message).as_bytes()
            );
            assert_eq!(hash_blocks(message), *blake3::hash(message).as_bytes());
        }
    }

    /// Digests are those of `blake3::hash`, whatever is hashed beside them.
    #[test]
    fn what_is_hashed_together_is_hashed_as_alone() {
        let header = |seq| Header {
            author: Author { peer: Peer([3; 32]), incarnation: 0 },
            seq,
            lamport: 1 + seq,
            previous: RunHash([4; 32]),
            ..Header::blank()
        };
        let lengths: Vec<usize> = (0..=1_100)
            .chain((1_100..70_000).step_by(331))
            .chain([LONG - 8, LONG - 4, LONG, LONG + 1, 3 * CHUNK, 300_000])
            .collect();
        let bytes: Vec<u8> = (0..300_000_u32).map(|byte| ((byte * 31) >> 3).to_le_bytes()[0]).collect();
        let mut lanes = Lanes::new();
        // In several orders, so that they stand beside others.
        for (stride, together) in [(1, 1), (1, 64), (7, 64), (101, 200)] {
            let order: Vec<_> = (0..lengths.len()).map(|at| lengths[at * stride % lengths.len()]).collect();
            for part in order.chunks(together) {
                lanes.clear();
                for (seq, length) in (0..).zip(part) {
                    lanes.push(&header(seq), 2, &bytes[..*length]);
                }
                for ((seq, length), digest) in (0..).zip(part).zip(lanes.finish()) {
                    let header = header(seq);
                    assert_eq!(linked(&header, digest), run_hash(&header, 2, &bytes[..*length]), "{length}");
                }
            }
        }
    }
}
