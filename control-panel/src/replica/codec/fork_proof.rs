//! Proof that an author gave one place to two operations, that any peer can check.

use std::{fmt, sync::Arc};

use super::{
    DecodeError, Limits, Refused,
    decode::verify_runs,
    encode::encode_runs,
    raw::{RawRun, read_runs},
};
use crate::replica::{Author, Delta, RunHash, run::Run, signature::Verifier};

/// Two runs of one author with one predecessor, and the signatures that cover them (equivocation).
///
/// It can be checked with the author's key alone, without any other operation of the group: an owner shows it when it retires the peer.
/// Its layout is that of a delta.
///
/// ```
/// use control_panel::{Delta, replica::codec::ForkProof};
///
/// fn report(received: &Delta<String>) -> Option<Vec<u8>> {
///     let proof = ForkProof::find(received)?;
///     let [lower, higher] = proof.runs();
///     assert!(lower < higher);
///     Some(proof.encode().to_vec())
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ForkProof {
    bytes: Arc<[u8]>,
    author: Author,
    seq: u64,
    runs: [RunHash; 2],
}

impl ForkProof {
    /// The first fork in the delta whose two branches are signed in it; a [`Replica::since`](crate::Replica::since) holds all
    /// branches that a replica has.
    ///
    /// Costs a pass over the runs, and a sort of them.
    pub fn find<Op>(delta: &Delta<Op>) -> Option<Self> {
        let mut children: Vec<_> = delta.runs.iter().collect();
        children.sort_by_key(|run| (run.header.author, run.header.previous, run.hash));
        children.dedup_by_key(|run| run.hash);
        let mut forks = children.windows(2).filter(|pair| fork(pair[0], pair[1]));
        forks.find_map(|pair| {
            let mut runs = signed(pair[0], &delta.runs)?;
            runs.extend(signed(pair[1], &delta.runs)?);
            let bytes = encode_runs(&runs).ok()?;
            let (author, seq) = (pair[0].header.author, pair[0].header.seq);
            Some(Self { bytes: bytes.into(), author, seq, runs: [pair[0].hash, pair[1].hash] })
        })
    }

    /// The bytes.
    pub fn encode(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads a proof from an untrusted source. That it *is* one, [`verify`](Self::verify) says.
    ///
    /// # Errors
    /// As [`Delta::decode`]; and [`Refused::Malformed`] where there is no fork.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let runs = read_runs(bytes, limits)?;
        let named = |run: &RawRun<'_>| (run.header.author, run.header.previous);
        let pair = runs.iter().enumerate().skip(1).find_map(|(index, second)| {
            // The first run begins one branch; a proof holds nothing else.
            let first = runs.first().filter(|first| named(first) == named(second))?;
            (first.body.hash != second.body.hash).then_some((first, index))
        });
        let Some((first, second)) = pair else {
            return Err(DecodeError::new(0, Refused::Malformed("two runs without one predecessor")));
        };
        let chained = runs.windows(2).enumerate().all(|(index, pair)| {
            index + 1 == second
                || (pair[1].header.previous == pair[0].body.hash
                    && pair[1].header.author == pair[0].header.author)
        });
        if !chained {
            return Err(DecodeError::new(0, Refused::Malformed("a proof holds more than two branches")));
        }
        let mut hashes = [first.body.hash, runs[second].body.hash];
        hashes.sort();
        Ok(Self { author: first.header.author, seq: first.header.seq, runs: hashes, bytes: bytes.into() })
    }

    /// Whether the author signed both branches. Costs two signatures, and a hash of each run.
    pub fn verify(&self, verifier: &dyn Verifier) -> bool {
        // The limits were checked when it was made.
        let limits = Limits::default().with_bytes(self.bytes.len()).with_op_bytes(self.bytes.len());
        read_runs(&self.bytes, &limits).is_ok_and(|runs| verify_runs(&runs, verifier).is_ok())
    }

    /// The author of both.
    pub fn author(&self) -> Author {
        self.author
    }

    /// The sequence number that was given twice.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The two runs, the lower hash first.
    pub fn runs(&self) -> [RunHash; 2] {
        self.runs
    }
}

impl fmt::Debug for ForkProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForkProof")
            .field("author", &self.author)
            .field("seq", &self.seq)
            .field("runs", &self.runs)
            .finish_non_exhaustive()
    }
}

fn fork<Op>(first: &Run<Op>, second: &Run<Op>) -> bool {
    (first.header.author, first.header.previous) == (second.header.author, second.header.previous)
        && first.hash != second.hash
}

/// A branch from its first run to the next that is signed.
fn signed<Op>(first: &Arc<Run<Op>>, runs: &[Arc<Run<Op>>]) -> Option<Vec<Arc<Run<Op>>>> {
    let mut branch = vec![Arc::clone(first)];
    for run in runs {
        let last = branch.last()?;
        if !last.signature.is_empty() {
            break;
        }
        if run.header.author == last.header.author && run.header.previous == last.hash {
            branch.push(Arc::clone(run));
        }
    }
    branch.last().is_some_and(|last| !last.signature.is_empty()).then_some(branch)
}
