//! Which life of its peer a replica is, and from where it continues.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState},
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Journal,
    error::{Fault, JournalError},
    keeping::RunKeeper,
    store::{Meta, Reader, ReplicaMeta, Store},
};
use crate::replica::{
    Author, Peer, Replica, ReplicaBuilder, Snapshot, State,
    codec::{Codec, Limits},
    restore::Kept,
    run::Run,
};

/// The range from which a life's number is drawn. Two lives that continue copies of one journal, and know nothing of each other,
/// take different numbers with near certainty.
const STRIDE: u64 = 1 << 16;

/// # Replicas
impl Journal {
    /// The replica of this journal: restored, or new. From now on it hands what it admits to the journal each frame, and nothing of
    /// its own leaves it ([`outbox`](Replica::outbox), [`since`](Replica::since)) before it is durable.
    ///
    /// The builder is the same as for the first start: the same peer, members, codec. The replica continues as the same author if the
    /// previous session [closed](Self::close) this very file, on this machine, since the machine was booted. Otherwise, after a crash,
    /// in a copied folder or a restored backup, it is a new life of its peer, which is durably noted here, before its first commit.
    ///
    /// It blocks: it reads all operations and applies them.
    ///
    /// ```
    /// use control_panel::{
    ///     Peer, Replica, Stamp, State,
    ///     journal::Journal,
    ///     replica::codec::{Limits, Postcard},
    /// };
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
    /// struct Words(Vec<String>);
    ///
    /// impl State for Words {
    ///     type Op = String;
    ///
    ///     fn apply(&mut self, word: &String, _: &Stamp) {
    ///         self.0.push(word.clone());
    ///     }
    /// }
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("words.journal");
    /// let start = || -> Result<_, Box<dyn std::error::Error>> {
    ///     let builder = Replica::builder(Peer([1; 32]), Words::default());
    ///     let journal = Journal::open(&path)?;
    ///     let replica =
    ///         journal.replica(builder.codec(Postcard::new(), Limits::default()))?;
    ///     Ok((journal, replica))
    /// };
    /// let (journal, mut replica) = start()?;
    /// replica.commit("kept".to_owned());
    /// let _ = replica.settle(); // each frame
    /// journal.close()?;
    ///
    /// let (_journal, again) = start()?;
    /// assert_eq!(again.state(), &Words(vec!["kept".to_owned()]));
    /// assert_eq!(again.author(), replica.author());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`JournalError`]: the journal belongs to another peer, group or reducer, or has a newer schema; the builder has no codec; or
    /// this journal has a replica already.
    pub fn replica<S>(&self, builder: ReplicaBuilder<S>) -> Result<Replica<S>, JournalError>
    where
        S: State + Serialize + DeserializeOwned,
    {
        self.try_replica(builder).map_err(|fault| fault.at(self.path()))
    }

    fn try_replica<S>(&self, mut builder: ReplicaBuilder<S>) -> Result<Replica<S>, Fault>
    where
        S: State + Serialize + DeserializeOwned,
    {
        let mut open = self.open_state();
        let open = open.as_mut().ok_or(Fault::Closed)?;
        if open.has_replica {
            return Err(Fault::HasReplica);
        }
        let genesis = (builder.genesis)(&builder.members);
        let identify = builder.identify.as_deref().ok_or(Fault::NoCodec)?;
        let (codec, _) = identify.codec().ok_or(Fault::NoCodec)?;
        let codec = &**codec;
        let meta = *open.store.meta();
        if let Some(known) = meta.replica {
            if known.peer != builder.me.peer {
                return Err(Fault::OtherPeer { journal: known.peer, program: builder.me.peer });
            }
            if known.genesis != genesis {
                return Err(Fault::OtherGroup);
            }
            if known.schema > builder.schema {
                return Err(Fault::NewerSchema { journal: known.schema, program: builder.schema });
            }
        }
        if let Some(journal) = meta.fingerprint.filter(|journal| *journal != builder.fingerprint) {
            return Err(Fault::OtherReducer { journal, program: builder.fingerprint });
        }

        let kept: Kept<S> = read(&open.store.reader()?, codec)?;
        let last = meta.replica.map(|known| known.incarnation);
        // Another replica's snapshot may contain what this life made, and only its giver knows which of that.
        let is_whole = kept.snapshot.is_none() || kept.resume.is_own;
        let incarnation = match last {
            Some(last) if open.continues && is_whole && last >= builder.me.incarnation => last,
            _ => next_life(&kept, builder.me, last, self.draw(builder.me.peer)),
        };
        builder.me.incarnation = incarnation;
        let replica = ReplicaMeta { peer: builder.me.peer, incarnation, genesis, schema: builder.schema };
        let meta = Meta { replica: Some(replica), fingerprint: Some(builder.fingerprint), ..meta };
        open.store.set_replica(meta, builder.members.clone())?;
        let keeper = RunKeeper::new(self.handover().clone(), self.session());
        let keeper = Box::new(keeper.served_by(self));
        let replica = builder.restore(kept, keeper).map_err(Fault::Snapshot)?;
        open.has_replica = true;
        Ok(replica)
    }

    /// A random number, or the next of a test's seed.
    fn draw(&self, peer: Peer) -> u64 {
        match self.seed() {
            Some(seed) => {
                BuildHasherDefault::<DefaultHasher>::default().hash_one((seed, self.session(), peer))
            }
            None => RandomState::new().hash_one(peer),
        }
    }

    /// Adopts a journal that another reducer wrote: [`begin`](Self::begin) and the replica are no longer refused, and the journal notes
    /// this program's reducer. Replicas get the state that the new reducer makes of the operations. Call it once you know what that
    /// changes (`refold`).
    ///
    /// # Errors
    /// The note could not be written.
    pub fn adopt_reducer(&self) -> Result<(), JournalError> {
        let mut open = self.open_state();
        let store = open.as_mut().ok_or(Fault::Closed).map(|open| &mut open.store);
        let forget =
            |store: &mut Store| store.set_meta(Meta { fingerprint: None, reducer: None, ..*store.meta() });
        store.and_then(forget).map_err(|fault| fault.at(self.path()))
    }
}

/// A life beyond all known ones, by a step that no other copy takes.
fn next_life<S: State>(kept: &Kept<S>, me: Author, last: Option<u32>, draw: u64) -> u32 {
    let of_runs = kept.runs.iter().map(|run| run.header.author);
    let of_snapshot = kept.snapshot.iter().flat_map(Snapshot::authors);
    let own = of_runs.chain(of_snapshot).filter(|author| author.peer == me.peer);
    let known: BTreeSet<u32> = own.map(|author| author.incarnation).chain(last).collect();
    let next = known.last().map_or(u64::from(me.incarnation), |last| u64::from(*last) + 1) + draw % STRIDE;
    u32::try_from(next).unwrap_or_else(|_| {
        // Those beyond are used up: any that is none of these.
        let from = u32::try_from(draw >> 32).unwrap_or(0);
        (from..=u32::MAX).chain(0..from).find(|life| !known.contains(life)).unwrap_or(0)
    })
}

/// What the file holds of a replica, each run after its past.
fn read<S>(reader: &Reader, codec: &dyn Codec<S::Op>) -> Result<Kept<S>, Fault>
where
    S: State + Serialize + DeserializeOwned,
{
    let (mut runs, mut given): (Vec<Arc<Run<S::Op>>>, _) = (Vec::new(), BTreeSet::new());
    let returned = reader.returned()?;
    reader.admitted(codec, |number, run| {
        if returned.contains(&number) {
            given.insert(run.hash);
        }
        runs.push(run);
    })?;
    // The time of a run is greater than those of all runs in its past.
    runs.sort_by_key(|run| (run.header.lamport, run.header.author, run.header.seq));
    let snapshot =
        reader.snapshot()?.map(|bytes| Snapshot::decode(&bytes, codec, &unlimited()).map_err(Fault::Run));
    let resume = reader.note()?.map(|note| note.resume).unwrap_or_default();
    Ok(Kept { snapshot: snapshot.transpose()?, resume, runs, returned: given })
}

/// A snapshot that was taken once is taken again, whatever its size.
pub(super) fn unlimited() -> Limits {
    Limits::default().with_bytes(usize::MAX).with_runs(usize::MAX).with_ops(usize::MAX)
}
