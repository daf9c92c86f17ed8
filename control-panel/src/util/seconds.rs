//! Durations in JSON: seconds, as a number.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    read(f64::deserialize(deserializer)?)
}

/// The longest durations, of which a program may have set one to say "never", are all one number, which is beyond the longest.
fn read<E: serde::de::Error>(seconds: f64) -> Result<Duration, E> {
    match Duration::try_from_secs_f64(seconds) {
        Err(_) if seconds.to_bits() == Duration::MAX.as_secs_f64().to_bits() => Ok(Duration::MAX),
        read => read.map_err(E::custom),
    }
}

/// The same for what may be absent.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Duration, Serializer, read};

    #[expect(clippy::ref_option, reason = "serde passes it so")]
    pub(crate) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.serialize_some(&time.as_secs_f64()),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<f64>::deserialize(deserializer)?;
        seconds.map(read).transpose()
    }
}
