//! Which life of its peer a replica is, and where it goes on.

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

/// How far apart lives may be. Of two that begin from one copy of a journal, and know nothing of each other, it is next to certain
/// that they take different numbers.
const STRIDE: u64 = 1 << 16;

impl Journal {
    /// The replica that this journal has: as it was, or new. What it admits from now on is handed to the journal each frame, and nothing of its own
    /// leaves it ([`outbox`](Replica::outbox), [`since`](Replica::since)) before it is durable.
    ///
    /// The builder is as for the first start: the same peer, members, codec. It goes on as the same author if the session before
    /// [closed](Self::close) this very file, on this machine, since it was started last. Otherwise, after a crash, in a copied folder or a restored
    /// backup, it is a new life of its peer, which is noted durably here, before its first commit.
    ///
    /// It blocks: reads all operations, and applies them.
    ///
    /// ```
    /// use control_panel::{Peer, Replica, Stamp, State, journal::Journal, replica::codec::{Limits, Postcard}};
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
    ///     let replica = journal.replica(builder.codec(Postcard::new(), Limits::default()))?;
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
    /// [`JournalError`]: it is another peer's, group's or reducer's, or of a newer schema; the builder has no codec; or this journal has a replica.
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
        // Another's snapshot may hold what this life made: which of it is only known to its giver.
        let is_whole = kept.snapshot.is_none() || kept.resume.is_own;
        let incarnation = match last {
            Some(last) if open.continues && is_whole && last >= builder.me.incarnation => last,
            _ => next_life(&kept, builder.me, last, self.draw(builder.me.peer))?,
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

    /// Lets this program go on from what another reducer wrote: its [`begin`](Self::begin) and its replica are not refused, and the journal notes theirs. Replicas
    /// have the state that the new reducer makes of the operations. Call it once it is known what that changes (`refold`).
    ///
    /// # Errors
    /// It could not be written.
    pub fn adopt_reducer(&self) -> Result<(), JournalError> {
        let mut open = self.open_state();
        let store = open.as_mut().ok_or(Fault::Closed).map(|open| &mut open.store);
        let forget =
            |store: &mut Store| store.set_meta(Meta { fingerprint: None, reducer: None, ..*store.meta() });
        store.and_then(forget).map_err(|fault| fault.at(self.path()))
    }
}

/// Beyond all lives that are known of, by a step that no other copy takes.
fn next_life<S: State>(kept: &Kept<S>, me: Author, last: Option<u32>, draw: u64) -> Result<u32, Fault> {
    let of_runs = kept.runs.iter().map(|run| run.header.author);
    let of_snapshot = kept.snapshot.iter().flat_map(Snapshot::authors);
    let own = of_runs.chain(of_snapshot).filter(|author| author.peer == me.peer);
    let known = own.map(|author| author.incarnation).chain(last).max();
    let next = known.map_or(u64::from(me.incarnation), |known| u64::from(known) + 1) + draw % STRIDE;
    u32::try_from(next)
        .map_err(|_| Fault::damaged("its peer has used up its incarnations: invite it as another peer"))
}

/// What the file has of a replica, each run behind its past.
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
    // A run's time is above those of all in its past.
    runs.sort_by_key(|run| (run.header.lamport, run.header.author, run.header.seq));
    let snapshot =
        reader.snapshot()?.map(|bytes| Snapshot::decode(&bytes, codec, &unlimited()).map_err(Fault::Run));
    let resume = reader.note()?.map(|note| note.resume).unwrap_or_default();
    Ok(Kept { snapshot: snapshot.transpose()?, resume, runs, returned: given })
}

/// A snapshot that was taken is taken again, whatever its size.
pub(super) fn unlimited() -> Limits {
    Limits::default().with_bytes(usize::MAX).with_runs(usize::MAX).with_ops(usize::MAX)
}
