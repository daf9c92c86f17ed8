//! A snapshot's bytes, as its methods.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Codec, DecodeError, EncodeError, Limits, Refused, SnapshotBytes,
    decode::decode_runs,
    encode::encode_runs,
    postcard::{read_postcard, write_postcard},
    wire::{Reader, put_varint, within},
};
use crate::replica::{
    Author, RunHash, Snapshot, State,
    graph::{self, ChainRecord, Mark, RunRecord, Tip},
    membership,
    reducers::Reducers,
    revocations::Revocations,
    run::{Header, Run},
    signature::{Verifier, covered},
};

/// All of a snapshot but the state and the runs.
#[derive(Serialize, Deserialize)]
struct Head {
    from: Author,
    genesis: RunHash,
    level: u64,
    chains: Vec<Chain>,
    membership: membership::Record,
    revocations: Revocations,
    reducers: Reducers,
}

type News = Vec<(usize, bool, Mark)>;

#[derive(Serialize, Deserialize)]
struct Chain {
    author: Author,
    fork: Option<(usize, Mark)>,
    base: Tip,
    base_row: Vec<(usize, Mark, u64)>,
    /// Which of the delta's runs, and what each brought its author. A run of the delta that is in no chain waits for its past.
    runs: Vec<(usize, News)>,
}

/// Feature `codec`.
impl<S> Snapshot<S>
where
    S: State + Serialize + DeserializeOwned,
{
    /// The bytes, for a peer that joins: the state by serde, in postcard's format; operations as their authors wrote them.
    ///
    /// Costs a pass over the state and what is above the cut: do it in a worker.
    ///
    /// # Errors
    /// [`EncodeError::NoCodec`] for a replica without a codec; [`EncodeError::Value`] if the state does not serialize;
    /// [`EncodeError::Unproved`] if the giver checks signatures and one is missing.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let delta = self.provable()?;
        let places: BTreeMap<_, _> =
            delta.iter().enumerate().map(|(place, run)| (Arc::as_ptr(run), place)).collect();
        let chain = |chain: &ChainRecord<S::Op>| {
            let place = |run: &RunRecord<S::Op>| (places[&Arc::as_ptr(&run.run)], run.news.clone());
            Chain {
                author: chain.author,
                fork: chain.fork,
                base: chain.base,
                base_row: chain.base_row.clone(),
                runs: chain.runs.iter().map(place).collect(),
            }
        };
        let head = Head {
            from: self.from,
            genesis: self.genesis,
            level: self.graph.level,
            chains: self.graph.chains.iter().map(chain).collect(),
            membership: self.membership.clone(),
            revocations: self.revocations.clone(),
            reducers: self.reducers.clone(),
        };
        let runs = encode_runs(&delta)?;
        SnapshotBytes::seal(self.schema, |out| {
            put_part(out, |part| write_postcard(&head, part))?;
            put_part(out, |part| write_postcard(&*self.state, part))?;
            out.extend_from_slice(&runs);
            Ok(())
        })
    }

    /// Reads bytes from an untrusted source, within limits ([`Limits::bytes`] bounds the whole). Do it where they arrive, in a worker.
    ///
    /// A state of an older schema is [migrated](Codec::migrate_state), one of a newer is refused.
    ///
    /// # Errors
    /// What is refused, where, and what mends it. What no replica says, though it can be read, is refused by
    /// [`join`](crate::replica::ReplicaBuilder::join).
    pub fn decode(
        bytes: &[u8],
        codec: &(impl Codec<S::Op> + ?Sized),
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        Self::read(bytes, codec, limits, None)
    }

    /// As [`decode`](Self::decode), and refuses what the authors of what is above the cut did not provably write.
    ///
    /// # Errors
    /// As `decode`, and [`Refused::Signature`].
    pub fn decode_signed(
        bytes: &[u8],
        codec: &(impl Codec<S::Op> + ?Sized),
        limits: &Limits,
        verifier: &dyn Verifier,
    ) -> Result<Self, DecodeError> {
        Self::read(bytes, codec, limits, Some(verifier))
    }

    /// The state in these bytes, which were made here, as a start would read it.
    #[cfg(feature = "journal")]
    pub(crate) fn read_back(bytes: &[u8]) -> Result<S, EncodeError> {
        let read = || -> Result<S, DecodeError> {
            let limits = Limits::default().with_bytes(usize::MAX);
            let mut reader = Reader::new(SnapshotBytes::open(bytes, &limits)?.content);
            part(&mut reader)?;
            read_postcard(part(&mut reader)?)
        };
        read().map_err(EncodeError::StateNotReadBack)
    }

    /// The delta. What waits is in it as far as it can be read: an author may have given a waiting run a time that its past would refute.
    fn provable(&self) -> Result<Vec<Arc<Run<S::Op>>>, EncodeError> {
        let mut delta = self.delta().runs.into_vec();
        if !self.waiting.is_empty() {
            let mut clocks = BTreeMap::<RunHash, u64>::new();
            let waiting: BTreeSet<_> = self.waiting.iter().map(|run| run.hash).collect();
            delta.retain(|run| {
                let Header { previous, heads, lamport, .. } = &run.header;
                let past = heads.iter().map(|head| &head.hash).chain([previous]);
                let later = past.filter_map(|hash| clocks.get(hash)).all(|clock| clock < lamport);
                let fits = later || !waiting.contains(&run.hash);
                if fits {
                    clocks.insert(run.hash, run.clock());
                }
                fits
            });
        }
        if self.signed
            && let Some((run, _)) = delta.iter().zip(covered(&delta)).find(|(_, covered)| !covered)
        {
            return Err(EncodeError::Unproved { author: run.header.author, seq: run.header.seq });
        }
        Ok(delta)
    }

    fn read(
        bytes: &[u8],
        codec: &(impl Codec<S::Op> + ?Sized),
        limits: &Limits,
        verifier: Option<&dyn Verifier>,
    ) -> Result<Self, DecodeError> {
        let SnapshotBytes { schema, content } = SnapshotBytes::open(bytes, limits)?;
        let known = codec.schema();
        if schema > known {
            return Err(DecodeError::new(0, Refused::Schema { found: schema, known }));
        }
        let mut reader = Reader::new(content);
        let head: Head = read_postcard(part(&mut reader)?)?;
        let state = part(&mut reader)?;
        let state: S = if schema == known {
            read_postcard(state)?
        } else {
            let mut migrated = Vec::new();
            codec.migrate_state(schema, state, &mut migrated)?;
            read_postcard(&migrated)?
        };
        let runs = decode_runs(&content[reader.offset()..], codec, limits, verifier)?;
        let mut runs: Vec<_> = runs.into_iter().map(Some).collect();
        let mut chains = Vec::with_capacity(head.chains.len());
        for chain in head.chains {
            chains.push(chain.record(&mut runs)?);
        }
        let waiting = runs.into_iter().flatten().collect();
        Ok(Self {
            from: head.from,
            genesis: head.genesis,
            schema: known,
            state: Arc::new(state),
            graph: graph::Record { level: head.level, chains },
            waiting,
            signed: verifier.is_some(),
            membership: head.membership,
            revocations: head.revocations,
            reducers: head.reducers,
        })
    }
}

impl Chain {
    /// Takes its runs.
    fn record<Op>(self, runs: &mut [Option<Arc<Run<Op>>>]) -> Result<ChainRecord<Op>, DecodeError> {
        let Self { author, fork, base, base_row, runs: places } = self;
        let taken = places.into_iter().map(|(place, news)| {
            let run = runs.get_mut(place).and_then(Option::take).ok_or_else(misplaced)?;
            Ok(RunRecord { run, news })
        });
        let runs = taken.collect::<Result<_, _>>()?;
        Ok(ChainRecord { author, fork, base, base_row, runs })
    }
}

/// Appends what `write` makes, behind its length.
fn put_part(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let mut part = Vec::new();
    write(&mut part)?;
    put_varint(out, part.len() as u64);
    out.extend_from_slice(&part);
    Ok(())
}

/// The next part of the content.
fn part<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let (offset, length) = (reader.offset(), reader.varint()?);
    // Within the content, which is within the limits.
    reader.bytes(within(offset, "bytes", length, usize::MAX)?)
}

fn misplaced() -> DecodeError {
    DecodeError::new(0, Refused::Malformed("a run of a snapshot that is not there, or in two chains"))
}
