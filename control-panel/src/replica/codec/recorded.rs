//! Deltas inside a recorded intent: a journal keeps their runs apart, verbatim, and the intent only says which of them it has.

use std::{
    any::{Any, TypeId},
    cell::RefCell,
    collections::BTreeMap,
    fmt, mem,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::{AnyRun, Codec, Limits, decode_run, raw::read_runs};
use crate::replica::{Author, Delta, RunHash, run::Run};

thread_local! {
    static COLLECTED: RefCell<Option<Vec<RunRef>>> = const { RefCell::new(None) };
    static REPLAYED: RefCell<Option<Replayed>> = const { RefCell::new(None) };
}

/// A run as a journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunBytes {
    pub(crate) author: Author,
    /// Of its first operation.
    pub(crate) seq: u64,
    pub(crate) hash: RunHash,
    pub(crate) bytes: Arc<[u8]>,
}

impl RunBytes {
    /// Its number and its operations as their author wrote them, without what they depend on; `None` if it cannot be read.
    pub(crate) fn content(&self) -> Option<(u64, &[u8])> {
        let limits = Limits::default().with_bytes(usize::MAX).with_ops(usize::MAX).with_run_ops(usize::MAX);
        let limits = limits.with_op_bytes(usize::MAX).with_heads(usize::MAX).with_authors(usize::MAX);
        let raw = read_runs(&self.bytes, &limits).ok()?.pop()?;
        Some((self.seq, raw.body.operations))
    }
}

/// A run of a delta that was serialized: a reference, encoded where it is written.
#[derive(Clone, Debug)]
pub(crate) struct RunRef {
    pub(crate) author: Author,
    pub(crate) seq: u64,
    pub(crate) hash: RunHash,
    pub(crate) run: Arc<dyn AnyRun>,
}

/// The runs of the deltas in what was serialized, in their order.
#[derive(Debug, Default)]
pub(crate) struct Collected(Vec<RunRef>);

impl Collected {
    pub(crate) fn take(&mut self) -> Vec<RunRef> {
        mem::take(&mut self.0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets those of an intent that could not be serialized.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

/// Under this name a delta is serialized, so that what writes a record knows it. Of no other type.
pub(super) const DELTA: &str = "control_panel::Delta";

/// Serializes what is named [`DELTA`], which hands its runs over: nothing of the user's runs inside, and it does not panic.
pub(super) fn collecting<E>(into: &mut Collected, write: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    let outer = COLLECTED.replace(Some(into.take()));
    let result = write();
    into.0 = COLLECTED.replace(outer).unwrap_or_default();
    result
}

/// What a replay knows of operations: the codecs of the replicas that it made, and the runs of the frame that it reads.
#[derive(Default)]
pub(crate) struct Replayed {
    /// By the type of the operation; each an `Arc<dyn Codec<Op>>`.
    codecs: BTreeMap<TypeId, Box<dyn Any + Send + Sync>>,
    runs: Arc<[RunBytes]>,
    /// The places there of those that the deltas read since had.
    named: Vec<usize>,
    /// How many runs the replicas that settled last hold back, as they lack what those depend on.
    waiting: usize,
}

impl Replayed {
    /// Those that the deltas of the next intent are among. Within a replay.
    pub(crate) fn set_runs(runs: &Arc<[RunBytes]>) {
        REPLAYED.with_borrow_mut(|replayed| {
            let Some(replayed) = replayed else { return };
            replayed.named.clear();
            if !Arc::ptr_eq(&replayed.runs, runs) {
                replayed.runs = Arc::clone(runs);
            }
        });
    }

    /// How many runs were noted as waiting since the last time. Within a replay.
    pub(crate) fn take_waiting() -> usize {
        REPLAYED.with_borrow_mut(|replayed| {
            replayed.as_mut().map_or(0, |replayed| mem::take(&mut replayed.waiting))
        })
    }

    /// The runs of the deltas that were read since. Within a replay.
    pub(crate) fn named_runs() -> Vec<RunBytes> {
        REPLAYED.with_borrow(|replayed| {
            let places = replayed.iter().flat_map(|Self { runs, named, .. }| {
                named.iter().filter_map(|place| runs.get(*place)).cloned()
            });
            places.collect()
        })
    }

    /// Runs something of a replay's. Another replay inside it has a scope of its own.
    pub(crate) fn within<T>(&mut self, replay: impl FnOnce() -> T) -> T {
        /// Gives the scope back, also where the replay unwinds.
        struct Within<'a> {
            scope: &'a mut Replayed,
            outer: Option<Replayed>,
        }
        impl Drop for Within<'_> {
            fn drop(&mut self) {
                *self.scope = REPLAYED.replace(self.outer.take()).unwrap_or_default();
            }
        }
        let outer = REPLAYED.replace(Some(mem::take(self)));
        let _within = Within { scope: self, outer };
        replay()
    }
}

impl fmt::Debug for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayed").field("codecs", &self.codecs.len()).finish_non_exhaustive()
    }
}

/// A replica is built: in a replay, its codec reads the deltas from now on.
pub(super) fn learn<Op: 'static>(codec: &Arc<dyn Codec<Op>>) {
    REPLAYED.with_borrow_mut(|replayed| {
        if let Some(replayed) = replayed {
            replayed.codecs.insert(TypeId::of::<Op>(), Box::new(Arc::clone(codec)));
        }
    });
}

/// For journals alone: the runs are handed over apart, and what is serialized names them. Elsewhere it is an error;
/// [`Delta::encode`] makes a delta's bytes.
impl<Op: Send + Sync + 'static> Serialize for Delta<Op> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(DELTA, &Runs(&self.runs))
    }
}

/// A delta's runs: within [`collecting`] their place among those of the frame.
struct Runs<'a, Op>(&'a [Arc<Run<Op>>]);

impl<Op: Send + Sync + 'static> Serialize for Runs<'_, Op> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = COLLECTED.with_borrow_mut(|collected| {
            let runs = collected.as_mut().ok_or(ELSEWHERE)?;
            let first = runs.len() as u64;
            for run in self.0 {
                runs.push(record(run).ok_or("a delta without a codec has no bytes")?);
            }
            Ok((first, self.0.len() as u64))
        });
        place.map_err(|why: &str| ser::Error::custom(why))?.serialize(serializer)
    }
}

const ELSEWHERE: &str =
    "a delta is serialized by journals alone: `Delta::encode` and `Delta::decode` are its bytes";

fn record<Op: Send + Sync + 'static>(run: &Arc<Run<Op>>) -> Option<RunRef> {
    let (author, seq, hash) = (run.header.author, run.header.seq, run.hash);
    (!run.bytes.is_empty()).then(|| RunRef { author, seq, hash, run: Arc::clone(run) as Arc<dyn AnyRun> })
}

/// For replays of journals alone, with the codec of a replica that the replay made.
impl<'de, Op: 'static> Deserialize<'de> for Delta<Op> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (first, count) = <(u64, u64)>::deserialize(deserializer)?;
        let runs: Result<Vec<_>, _> = REPLAYED.with_borrow_mut(|replayed| {
            let replayed = replayed.as_mut().ok_or_else(|| ELSEWHERE.to_owned())?;
            let range = usize::try_from(first).ok().zip(usize::try_from(count).ok());
            let range = range.and_then(|(first, count)| Some(first..first.checked_add(count)?));
            let range = range.filter(|range| range.end <= replayed.runs.len());
            let range = range.ok_or("the frame has not the runs that it names")?;
            replayed.named.extend(range.clone());
            replayed.decode(&replayed.runs[range])
        });
        runs.map(|runs| Self::of(runs)).map_err(de::Error::custom)
    }
}

/// A replica that settled holds runs back; noted in a replay alone.
pub(crate) fn note_waiting(runs: usize) {
    REPLAYED.with_borrow_mut(|replayed| {
        if let Some(replayed) = replayed {
            replayed.waiting += runs;
        }
    });
}

/// Whether this is a replay.
pub(crate) fn is_replay() -> bool {
    REPLAYED.with_borrow(Option::is_some)
}

/// These runs, with the codec of a replica that this replay builds.
pub(crate) fn replayed_runs<Op: 'static>(runs: &[RunBytes]) -> Result<Vec<Arc<Run<Op>>>, String> {
    REPLAYED.with_borrow(|replayed| {
        replayed.as_ref().map_or_else(|| Err(ELSEWHERE.to_owned()), |replayed| replayed.decode(runs))
    })
}

impl Replayed {
    /// Of a replica that the replay made. Within a replay.
    pub(super) fn codec<Op: 'static>() -> Result<Arc<dyn Codec<Op>>, String> {
        REPLAYED.with_borrow(|replayed| match replayed {
            Some(replayed) => replayed.known().map(Arc::clone),
            None => {
                Err("a snapshot is read by replays of journals alone: `Snapshot::decode` reads its bytes"
                    .to_owned())
            }
        })
    }

    fn known<Op: 'static>(&self) -> Result<&Arc<dyn Codec<Op>>, String> {
        let codec = self.codecs.get(&TypeId::of::<Op>());
        let codec = codec.and_then(|codec| codec.downcast_ref::<Arc<dyn Codec<Op>>>());
        codec.ok_or_else(|| "no replica of its operations was built with a codec before it".to_owned())
    }

    fn decode<Op: 'static>(&self, runs: &[RunBytes]) -> Result<Vec<Arc<Run<Op>>>, String> {
        let codec = self.known::<Op>()?;
        let decode = |run: &RunBytes| decode_run(&run.bytes, &**codec).map_err(|error| error.to_string());
        runs.iter().map(decode).collect()
    }
}
