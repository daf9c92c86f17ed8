//! A delta from bytes from an untrusted source.

use std::sync::Arc;

use super::{
    Codec, DecodeError, Limits,
    ahead::Ahead,
    error::Refused,
    lone::decode_lone,
    message::Message,
    operations::{Item, read_operation},
    raw::{Body, RawRun, RunReader, read_runs},
    wire::Reader,
};
use crate::replica::{
    operations::Operations,
    run::{Header, Operation, Run},
    short::Few,
    signature::{Link, Proof, Verifier, seldom_signed, unverified},
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
        return decode_proved(message, codec, limits, verifier).map(Few::from);
    }
    let (mut reader, mut ahead) = (RunReader::new(message.bytes, limits)?, Ahead::of(message.bytes.len()));
    let mut runs = Vec::new();
    while reader.read()? {
        for RawRun { header, body } in reader.runs.drain(..) {
            ahead.take(size_of::<Run<Op>>() + 2 * body.operations.len());
            runs.push(Run::made(|run| {
                run.operations = read_operations(body.operations, &header, body.count, codec, limits)?;
                unread(run, header, body, message);
                Ok(())
            })?);
        }
    }
    Ok(runs.into())
}

/// Runs are made as they are read, and their operations once all are proved: what no member wrote never reaches the user's types.
fn decode_proved<Op, C: Codec<Op> + ?Sized>(
    message: Message<'_>,
    codec: &C,
    limits: &Limits,
    verifier: &dyn Verifier,
) -> Result<Vec<Arc<Run<Op>>>, DecodeError> {
    let (mut reader, mut proof) = (RunReader::new(message.bytes, limits)?, Proof::new(verifier));
    let (mut runs, mut counts, mut ahead) = (Vec::new(), Vec::new(), Ahead::of(message.bytes.len()));
    while reader.read()? {
        for run in reader.runs.drain(..) {
            if !proof.follow(&run.link()) {
                return Err(unproved(message.bytes, limits, verifier));
            }
            let RawRun { header, body } = run;
            counts.push(body.count);
            ahead.take(size_of::<Run<Op>>() + body.operations.len());
            runs.push(Run::made(|run| {
                unread(run, header, body, message);
                Ok(())
            })?);
        }
    }
    if !proof.is_whole() {
        return Err(unproved(message.bytes, limits, verifier));
    }
    for (run, count) in runs.iter_mut().zip(counts) {
        let run = Arc::get_mut(run).expect("it was made here");
        ahead.take(run.bytes.len());
        run.operations = read_operations(&run.bytes, &run.header, count, codec, limits)?;
    }
    Ok(runs)
}

/// Which run it is only the end can say.
fn unproved(bytes: &[u8], limits: &Limits, verifier: &dyn Verifier) -> DecodeError {
    let raw = match read_runs(bytes, limits) {
        Ok(raw) => raw,
        Err(error) => return error,
    };
    if let Err(error) = verify_runs(&raw, verifier) {
        return error;
    }
    match seldom_signed(raw.iter().map(RawRun::link)) {
        Some(index) => {
            let RawRun { header, body: Body { offset, .. } } = &raw[index];
            DecodeError::new(*offset, Refused::SeldomSigned { author: header.author, seq: header.seq })
        }
        None => DecodeError::new(0, Refused::Malformed("its verifier does not say the same twice")),
    }
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
    if proved && proof.is_whole() { Ok(()) } else { Err(unproved(bytes, limits, verifier)) }
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

/// All that a run has but its operations.
#[inline]
fn unread<Op>(run: &mut Run<Op>, header: Header, body: Body<'_>, message: Message<'_>) {
    run.header = header;
    run.hash = body.hash;
    run.bytes = message.keep(body.operations);
    run.signature = body.signature.into();
}

#[inline]
fn read_operations<Op, C: Codec<Op> + ?Sized>(
    bytes: &[u8],
    header: &Header,
    count: usize,
    codec: &C,
    limits: &Limits,
) -> Result<Operations<Op>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut read = || {
        Ok(match read_operation(&mut reader, limits)? {
            Item::Own(operation) => operation,
            Item::State(bytes) => decode_state(codec, header.schema, bytes),
        })
    };
    if count == 1 {
        return read().map(|one| Few::One(one).into());
    }
    let mut operations = Vec::with_capacity(count);
    for _ in 0..count {
        operations.push(read()?);
    }
    Ok(Few::Many(operations).into())
}

/// Never refused: a replica of an older schema keeps these bytes unread, and one that refused them could admit nothing that depends on them.
/// So an operation that its schema's readers cannot read is one that they all leave out.
pub(super) fn decode_state<Op, C: Codec<Op> + ?Sized>(codec: &C, schema: u32, bytes: &[u8]) -> Operation<Op> {
    // A `Deserialize` that panics is one that fails; it panics on every replica.
    let decode = || codec.decode(schema, bytes).ok();
    let op = if schema > codec.schema() { None } else { panics::survive(decode).flatten() };
    op.map_or_else(|| Operation::Unknown(Arc::from(bytes)), Operation::Apply)
}
