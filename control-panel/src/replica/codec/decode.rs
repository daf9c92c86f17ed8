//! A delta from bytes that anybody may have written.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    Codec, DecodeError, Limits,
    error::Refused,
    operations::{Item, read_operation},
    raw::{RawRun, each_run, read_runs},
    wire::Reader,
};
use crate::replica::{
    run::{Operation, Run},
    short::Few,
    signature::{Verifier, unverified},
};

pub(super) fn decode_runs<Op, C: Codec<Op> + ?Sized>(
    bytes: &[u8],
    codec: &C,
    limits: &Limits,
    verifier: Option<&dyn Verifier>,
) -> Result<Few<Arc<Run<Op>>>, DecodeError> {
    let mut runs = Few::Many(Vec::new());
    let Some(verifier) = verifier else {
        each_run(bytes, limits, |count, raw| {
            let run = Arc::new(decode_run(raw, codec, limits)?);
            match &mut runs {
                // Most deltas hold one run.
                Few::Many(list) if count > 1 => list.push(run),
                one => *one = Few::One(run),
            }
            Ok(())
        })?;
        return Ok(runs);
    };
    let raw = read_runs(bytes, limits)?;
    verify_runs(&raw, verifier)?;
    raw.into_iter().map(|raw| Ok(Arc::new(decode_run(raw, codec, limits)?))).collect()
}

/// Before any operation is decoded: what no member wrote never reaches the user's types.
pub(super) fn verify_runs(raw: &[RawRun<'_>], verifier: &dyn Verifier) -> Result<(), DecodeError> {
    match unverified(raw.iter().map(RawRun::link), verifier) {
        None => Ok(()),
        Some(index) => {
            let RawRun { offset, header, .. } = &raw[index];
            let (author, seq) = (header.author, header.seq);
            Err(DecodeError::new(*offset, Refused::Signature { author, seq }))
        }
    }
}

pub(super) fn decode_run<Op, C: Codec<Op> + ?Sized>(
    raw: RawRun<'_>,
    codec: &C,
    limits: &Limits,
) -> Result<Run<Op>, DecodeError> {
    let mut reader = Reader::new(raw.operations);
    let mut read = || {
        Ok(match read_operation(&mut reader, limits)? {
            Item::Own(operation) => operation,
            Item::State(bytes) => decode_state(codec, raw.header.schema, bytes),
        })
    };
    let operations = if raw.count == 1 {
        Few::One(read()?)
    } else {
        let mut operations = Vec::with_capacity(raw.count);
        for _ in 0..raw.count {
            operations.push(read()?);
        }
        Few::Many(operations)
    };
    Ok(Run {
        header: raw.header,
        operations,
        hash: raw.hash,
        bytes: raw.operations.into(),
        signature: raw.signature.into(),
    })
}

/// Never refused: a replica of an older schema keeps these bytes unread, and one that refused them could admit nothing that depends on them.
/// So an operation that its schema's readers cannot read is one that they all leave out.
fn decode_state<Op, C: Codec<Op> + ?Sized>(codec: &C, schema: u32, bytes: &[u8]) -> Operation<Op> {
    // A `Deserialize` that panics is one that fails; it panics on every replica.
    let decode = AssertUnwindSafe(|| codec.decode(schema, bytes).ok());
    let op = if schema > codec.schema() { None } else { catch_unwind(decode).unwrap_or(None) };
    op.map_or_else(|| Operation::Unknown(Arc::from(bytes)), Operation::Apply)
}
