//! What a replica needs of a codec: bytes for its own operations, and a hash for its runs.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Codec, EncodeError, Limits,
    hash::{genesis_hash, run_hash},
    operations::{grant_byte, put_operation},
};
use crate::replica::{
    Grant, Peer, RunHash,
    identify::{Identify, Identity},
    run::{Header, Operation},
};

/// A codec with its limits, as a replica holds it.
pub(crate) struct Coding<Op> {
    codec: Arc<dyn Codec<Op>>,
    limits: Limits,
}

impl<Op: 'static> Coding<Op> {
    pub(crate) fn new(codec: impl Codec<Op>, limits: Limits) -> Self {
        Self { codec: Arc::new(codec), limits }
    }

    /// Of what this replica writes.
    pub(crate) fn schema(&self) -> u32 {
        self.codec.schema()
    }

    /// Whether others will take this operation, asked before it is committed: what is refused here changes nothing. It is read back once,
    /// as an operation that others cannot read is one that only its author would apply.
    pub(crate) fn check(&self, op: &Op) -> Result<usize, EncodeError> {
        let mut bytes = Vec::new();
        self.codec.encode(op, &mut bytes)?;
        let (found, limit) = (bytes.len(), self.limits.op_bytes);
        if found > limit {
            return Err(EncodeError::TooLong { found, limit });
        }
        self.codec.decode(self.codec.schema(), &bytes).map_err(EncodeError::NotReadBack)?;
        Ok(found)
    }
}

impl<Op: 'static> Identify<Op> for Coding<Op> {
    /// The bytes of a run's operations, which were checked when they were committed, and its hash.
    ///
    /// # Panics
    /// If an operation has no bytes, though it had some when it was checked.
    fn identify(&self, header: &Header, operations: &[Operation<Op>]) -> Identity {
        let (mut run, mut state) = (Vec::new(), Vec::new());
        for operation in operations {
            state.clear();
            if let Operation::Apply(op) = operation {
                self.codec.encode(op, &mut state).expect("checked when it was committed");
            }
            put_operation(operation, &state, &mut run);
        }
        let hash = run_hash(header, operations.len(), &run);
        Identity { hash, bytes: Arc::from(run), signature: Arc::default() }
    }

    fn size(&self, op: &Op) -> usize {
        self.check(op).unwrap_or_else(|reason| panic!("the operation cannot be committed: {reason}"))
    }
}

/// What the first run of every chain names as its previous one: groups that begin with other members do not mix.
pub(crate) fn genesis(members: &BTreeMap<Peer, Grant>) -> RunHash {
    let mut message = Vec::with_capacity(33 * members.len());
    for (peer, grant) in members {
        message.extend_from_slice(&peer.0);
        message.push(grant_byte(*grant));
    }
    genesis_hash(&message)
}
