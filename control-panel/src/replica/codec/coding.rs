//! What a replica needs of a codec: bytes for its own operations, and a hash for its runs.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Codec, EncodeError, Limits,
    hash::{genesis_hash, run_hash},
    operations::{grant_byte, put_own, put_state},
};
use crate::replica::{
    Grant, Peer, RunHash,
    identify::{Identify, Identity},
    run::{Header, Operation},
    signed::Signature,
};

/// A codec with its limits, as a replica holds it.
pub(crate) struct Coding<Op> {
    codec: Arc<dyn Codec<Op>>,
    limits: Limits,
}

impl<Op: 'static> Coding<Op> {
    pub(crate) fn new(codec: impl Codec<Op>, limits: Limits) -> Self {
        let codec: Arc<dyn Codec<Op>> = Arc::new(codec);
        #[cfg(feature = "journal")]
        super::recorded::learn(&codec);
        Self { codec, limits }
    }

    /// Of what this replica writes.
    pub(crate) fn schema(&self) -> u32 {
        self.codec.schema()
    }

    /// Appends an operation of the state, if others will take it: before it is committed, so what is refused here changes nothing. It is
    /// read back once, as an operation that others cannot read is one that only its author would apply. Returns how many bytes its codec
    /// makes of it.
    pub(super) fn put(&self, op: &Op, out: &mut Vec<u8>) -> Result<usize, EncodeError> {
        let mut found = 0;
        put_state(out, |out| {
            let start = out.len();
            self.codec.encode(op, out)?;
            let bytes = &out[start..];
            let limit = self.limits.op_bytes;
            found = bytes.len();
            if found > limit {
                return Err(EncodeError::TooLong { found, limit });
            }
            self.codec.decode(self.codec.schema(), bytes).map_err(EncodeError::NotReadBack)?;
            Ok(())
        })?;
        Ok(found)
    }
}

impl<Op: 'static> Identify<Op> for Coding<Op> {
    fn identify(&self, header: &Header, operations: &[Operation<Op>], bytes: &[u8]) -> Identity {
        debug_assert!(!bytes.is_empty(), "each operation was encoded when it was committed");
        let hash = run_hash(header, operations.len(), bytes);
        Identity { hash, signature: Signature::default() }
    }

    fn encode(&self, operation: &Operation<Op>, out: &mut Vec<u8>) {
        match operation {
            Operation::Apply(op) => {
                let put = self.put(op, out);
                put.unwrap_or_else(|reason| panic!("the operation cannot be committed: {reason}"));
            }
            operation => put_own(operation, out),
        }
    }

    fn codec(&self) -> Option<(&Arc<dyn Codec<Op>>, &Limits)> {
        Some((&self.codec, &self.limits))
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
