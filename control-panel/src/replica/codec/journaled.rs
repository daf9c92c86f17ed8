//! Single runs as bytes, as a journal keeps them: a delta of one run, so that it can be read without any other.

use std::{fmt, slice, sync::Arc};

use super::{
    Codec, DecodeError, EncodeError, Limits, Refused, decode::decode_runs, encode::encode_runs,
    raw::read_runs,
};
use crate::replica::{Author, RunHash, run::Run};

/// A file of one's own bounds its rows by its own lengths; what came from a peer was within that replica's limits.
const LIMITS: Limits = Limits {
    bytes: usize::MAX,
    runs: 1,
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

/// A run whatever its operations are.
pub(crate) trait AnyRun: fmt::Debug + Send + Sync {
    fn len(&self) -> usize;

    fn encode(self: Arc<Self>) -> Result<Vec<u8>, EncodeError>;
}

impl<Op: Send + Sync + 'static> AnyRun for Run<Op> {
    fn len(&self) -> usize {
        self.bytes.len() + self.signature.len()
    }

    fn encode(self: Arc<Self>) -> Result<Vec<u8>, EncodeError> {
        encode_run(&self)
    }
}

pub(crate) fn encode_run<Op>(run: &Arc<Run<Op>>) -> Result<Vec<u8>, EncodeError> {
    encode_runs(slice::from_ref(run))
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
