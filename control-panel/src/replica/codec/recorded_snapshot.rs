//! Snapshots inside a recorded intent: all their bytes, as a replay has no other place to take them from.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned, Visitor},
    ser,
};

use super::{Limits, recorded::Replayed};
use crate::replica::{Snapshot, State};

/// For journals: the bytes of [`encode`](Snapshot::encode). It costs a pass over the state, on the frame's thread where a panel records.
impl<S: State + Serialize + DeserializeOwned> Serialize for Snapshot<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        serializer.serialize_bytes(&self.encode().map_err(ser::Error::custom)?)
    }
}

/// For replays of journals alone, with the codec of a replica that the replay made. Elsewhere it is an error: [`Snapshot::decode`] reads its bytes.
impl<'de, S: State + Serialize + DeserializeOwned> Deserialize<'de> for Snapshot<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes of a snapshot")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.into())
            }
        }

        let bytes = deserializer.deserialize_bytes(Bytes)?;
        let codec = Replayed::codec::<S::Op>().map_err(de::Error::custom)?;
        // It was taken once, whatever its size.
        let limits = Limits::default().with_bytes(usize::MAX).with_runs(usize::MAX).with_ops(usize::MAX);
        Self::decode(&bytes, &*codec, &limits).map_err(de::Error::custom)
    }
}
