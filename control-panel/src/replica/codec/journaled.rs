//! Runs as a journal keeps them: deltas that grow; and single ones, as deltas of one run.

use std::{fmt, sync::Arc};

use super::{
    Codec, DecodeError, FORMAT, Limits, Refused,
    decode::decode_runs,
    encode::put_run,
    raw::{Body, RawRun, RunReader, read_runs},
    table::{Place, Table},
    wire::put_varint,
};
use crate::replica::{
    Author, RunHash,
    run::{Header, Run},
    short::Few,
};

/// A file of one's own bounds its rows by its own lengths; what came from a peer was within that replica's limits.
const LIMITS: Limits = Limits {
    bytes: usize::MAX,
    runs: usize::MAX,
    ops: usize::MAX,
    run_ops: usize::MAX,
    op_bytes: usize::MAX,
    heads: usize::MAX,
    authors: usize::MAX,
    signature_bytes: usize::MAX,
};

/// What a run says of itself, its hash computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunName {
    pub(crate) author: Author,
    pub(crate) seq: u64,
    pub(crate) next_seq: u64,
    pub(crate) lamport: u64,
    pub(crate) hash: RunHash,
}

/// A run as it is written: nothing of its operations' type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunParts<'a> {
    pub(crate) header: &'a Header,
    pub(crate) count: usize,
    /// Those of its operations, as their author wrote them.
    pub(crate) operations: &'a [u8],
    pub(crate) hash: RunHash,
    pub(crate) signature: &'a [u8],
}

impl RunParts<'_> {
    /// As a delta of its own.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.operations.len() + self.signature.len() + 80);
        put_varint(&mut out, FORMAT);
        put_varint(&mut out, 1);
        self.put(&mut Table::new(), &mut out);
        out
    }

    fn put(&self, table: &mut Table, out: &mut Vec<u8>) -> usize {
        put_run(self.header, (self.count, self.operations), self.signature, table, out)
    }

    pub(crate) fn next_seq(&self) -> u64 {
        self.header.seq.saturating_add(self.count as u64)
    }
}

/// What a signature that is due counts.
const SIGNATURE: usize = 64;

/// A run whatever its operations are.
pub(crate) trait AnyRun: fmt::Debug + Send + Sync {
    fn len(&self) -> usize;

    fn parts(&self) -> RunParts<'_>;
}

impl<Op: Send + Sync + 'static> AnyRun for Run<Op> {
    fn len(&self) -> usize {
        self.bytes.len() + self.signature.most(SIGNATURE)
    }

    fn parts(&self) -> RunParts<'_> {
        RunParts {
            header: &self.header,
            count: self.operations.len(),
            operations: &self.bytes,
            hash: self.hash,
            signature: &self.signature,
        }
    }
}

/// A delta that grows: runs of any authors, each beside what those before it tell. All signatures are kept.
pub(crate) struct RunsWriter {
    table: Table,
    bytes: Vec<u8>,
    count: usize,
}

impl RunsWriter {
    pub(crate) fn new() -> Self {
        Self { table: Table::new(), bytes: Vec::new(), count: 0 }
    }

    /// Without what it begins with.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The most that this run adds.
    pub(crate) fn most(&self, run: &RunParts<'_>) -> usize {
        const NUMBERS: usize = 24;
        const PREVIOUS: usize = 32 + 10;
        const HEAD: usize = 32 + 36 + 12;
        let author = if self.table.find(&run.header.author).is_some() { 0 } else { 36 + PREVIOUS };
        NUMBERS + author + HEAD * run.header.heads.len() + run.operations.len() + run.signature.len()
    }

    /// Whether it was written. What was received and is not right may contradict what is here already: it is only read back from another delta.
    pub(crate) fn push(&mut self, run: &RunParts<'_>) -> bool {
        let header = run.header;
        let place =
            |author| self.table.find(author).and_then(|index| Some((index, *self.table.place(index, 0)?)));
        let mut clock = 0;
        if let Some((_, before)) = place(&header.author)
            && before.hash == header.previous
        {
            if before.next_seq != header.seq {
                return false;
            }
            clock = before.clock;
        }
        for head in &header.heads {
            let index = self.table.find(&head.author);
            let back = index.and_then(|index| self.table.place(index, self.table.back(index, head)?));
            clock = clock.max(back.map_or(0, |place| place.clock));
        }
        if header.lamport <= clock {
            return false;
        }
        let index = run.put(&mut self.table, &mut self.bytes);
        self.table.push(index, Place::new(header, run.count, run.hash));
        self.count += 1;
        true
    }

    /// All of them as one delta.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, FORMAT);
        put_varint(out, self.count as u64);
        out.extend_from_slice(&self.bytes);
    }
}

impl fmt::Debug for RunsWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunsWriter").field("runs", &self.count).finish_non_exhaustive()
    }
}

/// All runs of a delta that a journal keeps, one after the other.
pub(crate) fn each_kept(bytes: &[u8], mut each: impl FnMut(RunParts<'_>)) -> Result<(), DecodeError> {
    let mut reader = RunReader::new(bytes, &LIMITS)?;
    while reader.read()? {
        for RawRun { header, body: Body { count, operations, hash, signature, .. } } in &reader.runs {
            each(RunParts { header, count: *count, operations, hash: *hash, signature });
        }
    }
    Ok(())
}

/// All runs of a delta that a journal keeps.
pub(crate) fn decode_kept<Op>(
    bytes: &[u8],
    codec: &(impl Codec<Op> + ?Sized),
) -> Result<Vec<Arc<Run<Op>>>, DecodeError> {
    decode_runs(bytes, codec, &LIMITS, None).map(Few::into_vec)
}

pub(crate) fn decode_run<Op>(
    bytes: &[u8],
    codec: &(impl Codec<Op> + ?Sized),
) -> Result<Arc<Run<Op>>, DecodeError> {
    decode_runs(bytes, codec, &LIMITS, None)?.into_iter().next_back().ok_or_else(none)
}

pub(crate) fn name_run(bytes: &[u8]) -> Result<RunName, DecodeError> {
    let raw = read_runs(bytes, &LIMITS)?.pop().ok_or_else(none)?;
    let (author, seq, lamport) = (raw.header.author, raw.header.seq, raw.header.lamport);
    Ok(RunName { author, seq, next_seq: seq + raw.body.count as u64, lamport, hash: raw.body.hash })
}

fn none() -> DecodeError {
    DecodeError::new(0, Refused::Malformed("no run"))
}
