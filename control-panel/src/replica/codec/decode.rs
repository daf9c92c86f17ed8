//! A delta from bytes from an untrusted source.

use std::sync::Arc;

use super::{
    Codec, DecodeError, Limits,
    error::Refused,
    lone::decode_lone,
    message::Message,
    operations::{Item, read_operation},
    raw::{Body, RawRun, RunReader, read_runs},
    wire::Reader,
};
use crate::replica::{
    run::{Operation, Run},
    short::Few,
    signature::{Link, Proof, Verifier, unverified},
};
use crate::util::panics;

pub(super) fn decode_runs<'a, Op, C: Codec<Op> + ?Sized>(
    message: impl Into<Message<'a>>,
    codec: &C,
    limits: &Limits,
    verifier: Option<&dyn Verifier>,
) -> Result<Few<Arc<Run<Op>>>, DecodeError> {
    let message = message.into();
    if let Some(run) = decode_lone(message, codec, limits, verifier) {
        debug_assert!(read_runs(message.bytes, limits).is_ok_and(|raw| {
            matches!(&raw[..], [it] if it.header == run.header && it.link() == Link::of(&run))
        }));
        return Ok(Few::One(run));
    }
    decode_all(message, codec, limits, verifier)
}

/// Any number of them.
pub(super) fn decode_all<'a, Op, C: Codec<Op> + ?Sized>(
    message: impl Into<Message<'a>>,
    codec: &C,
    limits: &Limits,
    verifier: Option<&dyn Verifier>,
) -> Result<Few<Arc<Run<Op>>>, DecodeError> {
    let message = message.into();
    if let Some(verifier) = verifier {
        let raw = read_runs(message.bytes, limits)?;
        verify_runs(&raw, verifier)?;
        let runs = raw.into_iter().map(|RawRun { header, body }| {
            Run::made(|run| {
                run.header = header;
                fill(run, body, message, codec, limits)
            })
        });
        return runs.collect();
    }
    let mut reader = RunReader::new(message.bytes, limits)?;
    let mut runs = Vec::new();
    while reader.read()? {
        for RawRun { header, body } in reader.runs.drain(..) {
            runs.push(Run::made(|run| {
                run.header = header;
                fill(run, body, message, codec, limits)
            })?);
        }
    }
    Ok(runs.into())
}

/// Checks all that [`Delta::decode_signed`](crate::Delta::decode_signed) checks before it reads an operation, and keeps nothing.
pub(super) fn verify_bytes(
    bytes: &[u8],
    limits: &Limits,
    verifier: &dyn Verifier,
) -> Result<(), DecodeError> {
    let (mut reader, mut proof) = (RunReader::new(bytes, limits)?, Proof::new(verifier));
    let mut proved = true;
    while proved && reader.read()? {
        proved = reader.runs.iter().all(|run| proof.follow(&run.link()));
    }
    if proved && proof.is_whole() {
        return Ok(());
    }
    // Which run it is only the end can say.
    verify_runs(&read_runs(bytes, limits)?, verifier)
}

/// Before any operation is decoded: what no member wrote never reaches the user's types.
pub(super) fn verify_runs(raw: &[RawRun<'_>], verifier: &dyn Verifier) -> Result<(), DecodeError> {
    match unverified(raw.iter().map(RawRun::link), verifier) {
        None => Ok(()),
        Some(index) => {
            let RawRun { header, body: Body { offset, .. } } = &raw[index];
            let (author, seq) = (header.author, header.seq);
            Err(DecodeError::new(*offset, Refused::Signature { author, seq }))
        }
    }
}

/// What a run has beside its header.
fn fill<Op, C: Codec<Op> + ?Sized>(
    run: &mut Run<Op>,
    body: Body<'_>,
    message: Message<'_>,
    codec: &C,
    limits: &Limits,
) -> Result<(), DecodeError> {
    let mut reader = Reader::new(body.operations);
    let schema = run.header.schema;
    let mut read = || {
        Ok(match read_operation(&mut reader, limits)? {
            Item::Own(operation) => operation,
            Item::State(bytes) => decode_state(codec, schema, bytes),
        })
    };
    let operations = if body.count == 1 {
        Few::One(read()?)
    } else {
        let mut operations = Vec::with_capacity(body.count);
        for _ in 0..body.count {
            operations.push(read()?);
        }
        Few::Many(operations)
    };
    run.operations = operations.into();
    run.hash = body.hash;
    run.bytes = message.keep(body.operations);
    run.signature = body.signature.into();
    Ok(())
}

/// Never refused: a replica of an older schema keeps these bytes unread, and one that refused them could admit nothing that depends on them.
/// So an operation that its schema's readers cannot read is one that they all leave out.
pub(super) fn decode_state<Op, C: Codec<Op> + ?Sized>(codec: &C, schema: u32, bytes: &[u8]) -> Operation<Op> {
    // A `Deserialize` that panics is one that fails; it panics on every replica.
    let decode = || codec.decode(schema, bytes).ok();
    let op = if schema > codec.schema() { None } else { panics::survive(decode).flatten() };
    op.map_or_else(|| Operation::Unknown(Arc::from(bytes)), Operation::Apply)
}
