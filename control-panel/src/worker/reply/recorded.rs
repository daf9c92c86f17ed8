//! Replies inside a recorded intent.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Reply;

/// For journals: serializes as an opaque mark and whether the answer was wanted. What is sent to it is not part of the state.
impl<T> Serialize for Reply<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(self.is_wanted())
    }
}

/// For replays of journals: deserializes as a reply whose answer nothing awaits. [`Reply::is_wanted`] returns what was
/// recorded.
impl<'de, T> Deserialize<'de> for Reply<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { sender: None, wake: None, was_wanted: bool::deserialize(deserializer)? })
    }
}
