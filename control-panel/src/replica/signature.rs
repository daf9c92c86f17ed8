//! Which author wrote a run, proved: keys stay outside, behind two small traits.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Author, Peer, RunHash,
    identify::{Identify, Identity},
    run::{Header, Operation, Run},
    signed::Signature,
};

/// Signs this replica's runs, with the key that its [`Peer`] stands for.
///
/// A signature is over the run's hash, which covers the run and, by the hash of the run before it, the author's whole chain. So of runs that are sent together only the last is
/// signed, when their delta is encoded: by the worker that sends it, once however many peers it is for. A delta that is merged without becoming bytes has each of its
/// runs signed there, and a journal's writer signs each run that it keeps.
///
/// ```
/// use control_panel::replica::{RunHash, Signer};
///
/// struct Key([u8; 32]);
///
/// impl Signer for Key {
///     fn sign(&self, hash: &RunHash) -> Vec<u8> {
///         # fn ed25519(_: &[u8; 32], message: &[u8]) -> Vec<u8> { message.to_vec() }
///         ed25519(&self.0, &hash.0)
///     }
/// }
/// ```
pub trait Signer: Send + Sync + 'static {
    /// The signature of this hash: never empty.
    fn sign(&self, hash: &RunHash) -> Vec<u8>;
}

/// Checks the signatures of runs.
///
/// At the edge, before an intent is made of what a peer sent ([`Delta::decode_signed`](super::Delta)); and again by a replica that has one, unless its own
/// `Link` has read the delta.
/// The answer must depend on nothing but the arguments: all replicas must come to the same.
///
/// ```
/// use control_panel::{Peer, replica::{RunHash, Verifier}};
///
/// struct Keys;
///
/// impl Verifier for Keys {
///     fn verify(&self, peer: &Peer, hash: &RunHash, signature: &[u8]) -> bool {
///         # fn ed25519(_: &[u8; 32], message: &[u8], signature: &[u8]) -> bool { message == signature }
///         ed25519(&peer.0, &hash.0, signature)
///     }
/// }
/// ```
pub trait Verifier: Send + Sync + 'static {
    /// Whether the peer signed this hash.
    fn verify(&self, peer: &Peer, hash: &RunHash, signature: &[u8]) -> bool;
}

/// Names runs as another does, and signs them.
pub(crate) struct Signed<Op> {
    pub(crate) names: Box<dyn Identify<Op>>,
    pub(crate) signer: Arc<dyn Signer>,
}

impl<Op> Identify<Op> for Signed<Op> {
    fn identify(&self, header: &Header, operations: &[Operation<Op>], bytes: &[u8]) -> Identity {
        let identity = self.names.identify(header, operations, bytes);
        Identity { signature: Signature::due(&self.signer, identity.hash), ..identity }
    }

    fn encode(&self, operation: &Operation<Op>, out: &mut Vec<u8>) {
        self.names.encode(operation, out);
    }

    #[cfg(feature = "codec")]
    fn codec(&self) -> Option<(&Arc<dyn super::codec::Codec<Op>>, &super::codec::Limits)> {
        self.names.codec()
    }
}

/// What of a run bears on which author wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    pub(crate) author: Author,
    pub(crate) previous: RunHash,
    pub(crate) hash: RunHash,
    pub(crate) signature: &'a [u8],
    pub(crate) weight: usize,
}

impl<'a> Link<'a> {
    pub(crate) fn of<Op>(run: &'a Run<Op>) -> Self {
        Self {
            author: run.header.author,
            previous: run.header.previous,
            hash: run.hash,
            signature: &run.signature,
            weight: weight(&run.header, run.bytes.len()),
        }
    }
}

/// What a run counts in a stretch under one signature: about the bytes that it has in a delta without the runs that it names, and no less than it has there.
#[inline]
pub(crate) fn weight(header: &Header, operations: usize) -> usize {
    /// An author's index, a sequence number, a hash.
    const HEAD: usize = 52;
    1 + operations + HEAD * header.heads.len()
}

/// The most that one signature covers of a chain, beside the signed run: what is accepted can be handed on, as it goes in one piece, and that is within
/// [`Limits::bytes`](super::codec::Limits::bytes).
///
/// An author leaves a sixteenth of it unsigned at most. Where an author forked, what leads to a branch may have come with another branch's signature, so a stretch may
/// be that of each branch, of which 16 are admitted.
pub(crate) const LONGEST_STRETCH: usize = 4 << 20;

/// Ends of chains, of which mostly the one that was added last is asked for next: one author writes many runs in a row.
#[derive(Debug, Default)]
pub(crate) struct ChainEnds<T = ()> {
    last: Option<((Author, RunHash), T)>,
    others: BTreeMap<(Author, RunHash), T>,
}

impl<T> ChainEnds<T> {
    #[inline]
    pub(crate) fn insert(&mut self, end: (Author, RunHash), with: T) {
        if !self.others.is_empty() {
            self.others.remove(&end);
        }
        if let Some((other, its)) = self.last.replace((end, with)).filter(|(other, _)| *other != end) {
            self.others.insert(other, its);
        }
    }

    /// What was there with it.
    #[inline]
    pub(crate) fn remove(&mut self, end: &(Author, RunHash)) -> Option<T> {
        match self.last.take_if(|(last, _)| last == end) {
            Some((_, with)) => Some(with),
            None if self.others.is_empty() => None,
            None => self.others.remove(end),
        }
    }

    #[cfg(feature = "codec")]
    fn is_empty(&self) -> bool {
        self.last.is_none() && self.others.is_empty()
    }
}

/// The last run, in the order of a delta (a chain's runs in theirs), that its author did not provably write. Each signature that is there
/// must verify; a run without one must be the previous of one that is proved. So one signature at a chain's end proves all of it.
pub(crate) fn unverified<'a>(
    links: impl DoubleEndedIterator<Item = Link<'a>> + ExactSizeIterator,
    verifier: &dyn Verifier,
) -> Option<usize> {
    let mut covered = ChainEnds::default();
    for (index, Link { author, previous, hash, signature, .. }) in links.enumerate().rev() {
        let by_successor = covered.remove(&(author, hash)).is_some();
        let proved =
            if signature.is_empty() { by_successor } else { verifier.verify(&author.peer, &hash, signature) };
        if !proved {
            return Some(index);
        }
        covered.insert((author, previous), ());
    }
    None
}

/// The first run with which more of its chain is under one signature than a [`LONGEST_STRETCH`].
pub(crate) fn seldom_signed<'a>(mut links: impl Iterator<Item = Link<'a>>) -> Option<usize> {
    let mut open = Open::default();
    links.position(|link| !open.follow(&link))
}

/// What no signature covers yet, of runs from the first to the last in the order of a delta: where it ends, and its weight.
#[derive(Default)]
struct Open(ChainEnds<usize>);

impl Open {
    /// The next run. `false` if too much is open with it.
    #[inline]
    fn follow(&mut self, link: &Link<'_>) -> bool {
        let Link { author, previous, hash, signature, weight } = *link;
        let before = self.0.remove(&(author, previous)).unwrap_or(0);
        if !signature.is_empty() {
            return true;
        }
        let open = before.saturating_add(weight);
        self.0.insert((author, hash), open);
        open <= LONGEST_STRETCH
    }
}

/// Whether runs, from the first to the last in the order of a delta, are proved as [`unverified`] has it: without a list of them.
///
/// Each signature is checked as it comes. A run without one is open until one follows it that is not.
#[cfg(feature = "codec")]
pub(crate) struct Proof<'v> {
    verifier: &'v dyn Verifier,
    open: Open,
}

#[cfg(feature = "codec")]
impl<'v> Proof<'v> {
    pub(crate) fn new(verifier: &'v dyn Verifier) -> Self {
        Self { verifier, open: Open::default() }
    }

    /// The next run. `false` if its signature is not its author's, or it is long since there was one.
    #[inline]
    pub(crate) fn follow(&mut self, link: &Link<'_>) -> bool {
        let Link { author, hash, signature, .. } = *link;
        self.open.follow(link)
            && (signature.is_empty() || self.verifier.verify(&author.peer, &hash, signature))
    }

    /// Whether nothing is open.
    pub(crate) fn is_whole(&self) -> bool {
        self.open.0.is_empty()
    }
}

/// By which verifier all in a delta was proved. Made where it was, and nowhere else.
#[derive(Clone)]
pub(crate) struct ProvedBy(Arc<dyn Verifier>);

// The verifier is compared by its address, and not called.
impl std::panic::UnwindSafe for ProvedBy {}
impl std::panic::RefUnwindSafe for ProvedBy {}

impl ProvedBy {
    /// With what `read` gives, which returns an error unless this verifier accepts all of it.
    #[cfg(feature = "codec")]
    pub(crate) fn read<T, E>(
        verifier: &Arc<dyn Verifier>,
        read: impl FnOnce(&dyn Verifier) -> Result<T, E>,
    ) -> Result<(T, Self), E> {
        Ok((read(&**verifier)?, Self(Arc::clone(verifier))))
    }

    /// Whether that was this one: not one like it.
    pub(crate) fn is(&self, verifier: &Arc<dyn Verifier>) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.0), Arc::as_ptr(verifier))
    }
}

/// Which runs a signature covers, their own or that of a later one. The others were received with one that still waits for its past.
pub(crate) fn covered<Op>(runs: &[Arc<Run<Op>>]) -> Vec<bool> {
    let mut covered = ChainEnds::default();
    let mut are = vec![true; runs.len()];
    for (run, is) in runs.iter().zip(&mut are).rev() {
        let Header { author, previous, .. } = run.header;
        *is = covered.remove(&(author, run.hash)).is_some() || !run.signature.is_empty();
        if *is {
            covered.insert((author, previous), ());
        }
    }
    are
}

/// Takes out what no signature covers, and returns it: one that comes later may.
#[cfg(feature = "codec")]
pub(crate) fn split_covered<Op>(runs: &mut Vec<Arc<Run<Op>>>) -> Vec<Arc<Run<Op>>> {
    let (keep, mut others) = (covered(runs), Vec::new());
    if keep.contains(&false) {
        let split = std::mem::take(runs).into_iter().zip(keep);
        split.for_each(|(run, keep)| if keep { runs.push(run) } else { others.push(run) });
    }
    others
}

/// Leaves out what no signature covers. What is left is proved wherever it goes.
pub(crate) fn keep_covered<Op>(runs: &mut Vec<Arc<Run<Op>>>) {
    let mut keep = covered(runs).into_iter();
    runs.retain(|_| keep.next() == Some(true));
}

/// The last runs that no signature covers, each of a branch of its own.
pub(crate) fn uncovered_ends<Op>(runs: &[Arc<Run<Op>>]) -> Vec<&Arc<Run<Op>>> {
    let uncovered: Vec<_> =
        runs.iter().zip(covered(runs)).filter(|(_, is)| !is).map(|(run, _)| run).collect();
    let followed: BTreeSet<_> =
        uncovered.iter().map(|run| (run.header.author, run.header.previous)).collect();
    uncovered.into_iter().filter(|run| !followed.contains(&(run.header.author, run.hash))).collect()
}
