//! Runs that no honest replica makes. Which run to refuse follows from the run and its past; here each is built on a real one.

use std::{
    fmt::{Debug, Write},
    sync::Arc,
};

use crate::{
    replica::{
        Author, Delta, Peer, RunHash,
        identify::{Identify, InProcess},
        run::{Head, Operation, Run},
        short::{Bytes, Few, Heads},
    },
    testing::Rng,
};

/// Tells two operations apart, where no codec does.
pub(super) fn payload<Op: Debug>(op: &Op, bytes: &mut Vec<u8>) {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write!(text, "{op:?}");
    bytes.extend(text.into_bytes());
}

/// What comes after a run that was seen, but for what is wrong with it.
pub(super) fn forge<Op: Clone + Debug>(seen: &Run<Op>, rng: &mut Rng) -> Delta<Op> {
    let mut header = seen.header.clone();
    let mut operations: Vec<_> = seen.applied().map(|(_, op)| Operation::Apply(op.clone())).collect();
    if operations.is_empty() {
        operations.push(Operation::Ack { digest: None });
    }
    (header.seq, header.lamport, header.previous) = (seen.next_seq(), seen.clock() + 1, seen.hash);
    header.heads = Heads::new();
    let nowhere = RunHash([rng.next_u64().to_be_bytes()[0]; 32]);
    match rng.below(6) {
        // A jump of the clock, a clock that begins anew, and its end.
        0 => header.lamport += 1 + rng.below(1_000),
        1 => header.lamport = rng.below(2),
        2 => header.lamport = u64::MAX - rng.below(2),
        // A number that does not follow; a past that does not exist.
        3 => header.seq += 1 + rng.below(3),
        4 => header.heads = vec![Head { author: header.author, seq: header.seq, hash: nowhere }].into(),
        // A stranger.
        _ => {
            let peer = Peer([0xEE; 32]);
            (header.author, header.seq) = (Author { peer, incarnation: 0 }, 0);
        }
    }
    let identify = InProcess { payload: Some(payload::<Op>) };
    let named = identify.identify(&header, &operations, &[]);
    let run = Run {
        header,
        operations: operations.into(),
        hash: named.hash,
        bytes: Bytes::default(),
        signature: named.signature,
    };
    Delta::of(Few::One(Arc::new(run)))
}
