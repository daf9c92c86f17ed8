//! The default codec: postcard, for operations that implement serde's traits.

mod access;
mod parts;
mod read;
mod write;

use std::{fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use self::{read::Values, write::Writer};
#[cfg(feature = "journal")]
use super::recorded::Collected;
use super::{Codec, DecodeError, EncodeError, Refused};

type Migrate<Op> = Arc<dyn Fn(u32, &[u8]) -> Result<Op, DecodeError> + Send + Sync>;
type MigrateState = Arc<dyn Fn(u32, &[u8], &mut Vec<u8>) -> Result<(), DecodeError> + Send + Sync>;

/// The default [`Codec`]: [postcard](https://docs.rs/postcard), for any operation that implements serde's traits.
///
/// ```
/// use control_panel::replica::codec::{Codec, Postcard};
///
/// let (codec, mut bytes) = (Postcard::new(), Vec::new());
/// codec.encode(&(7_u8, "seven".to_owned()), &mut bytes)?;
/// assert_eq!(bytes, b"\x07\x05seven");
/// assert_eq!(codec.decode(0, &bytes)?, (7, "seven".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Schemas
/// Postcard does not describe itself: any change of a type (a field, a variant that is not the last, another width of an integer) is another
/// schema. Keep the old type, raise the number, and say how the old becomes the new:
///
/// ```
/// use control_panel::replica::codec::{Codec, Postcard, read_postcard};
/// use serde::{Deserialize, Serialize};
///
/// mod v0 {
///     #[derive(serde::Deserialize)]
///     pub struct Rename(pub u32, pub String);
/// }
///
/// #[derive(Serialize, Deserialize, Debug, PartialEq)]
/// struct Rename { page: u32, to: String, keep_link: bool }
///
/// let codec = Postcard::migrating(1, |schema, bytes| {
///     assert_eq!(schema, 0, "called for older schemas only");
///     let v0::Rename(page, to) = read_postcard(bytes)?;
///     Ok(Rename { page, to, keep_link: false })
/// });
/// let renamed = codec.decode(0, b"\x07\x04Home")?;
/// assert_eq!(renamed, Rename { page: 7, to: "Home".into(), keep_link: false });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What it refuses
/// It is read by a reader of its own, as postcard's may be led into deep recursion and long loops: values nested deeper than 128,
/// sequences with more elements than bytes are left, and bytes after the end. Attributes that need a format which describes itself
/// (`untagged`, `flatten`, `skip_serializing_if`) do not work; a replica finds out at the first commit. `usize` is read in the width of the
/// machine: use `u64` where machines of 32 bits take part.
pub struct Postcard<Op> {
    schema: u32,
    migrate: Option<Migrate<Op>>,
    migrate_state: Option<MigrateState>,
}

impl<Op: Serialize + DeserializeOwned> Postcard<Op> {
    /// Schema 0, the first.
    pub fn new() -> Self {
        Self { schema: 0, migrate: None, migrate_state: None }
    }

    /// A later schema. `migrate` takes the number and the bytes of an operation of an older one ([`read_postcard`] reads them).
    pub fn migrating(
        schema: u32,
        migrate: impl Fn(u32, &[u8]) -> Result<Op, DecodeError> + Send + Sync + 'static,
    ) -> Self {
        Self { schema, migrate: Some(Arc::new(migrate)), migrate_state: None }
    }

    /// Reads states of older schemas too ([`Codec::migrate_state`]): `migrate` takes the number and the bytes of one, and makes the present one of it.
    ///
    /// ```
    /// use control_panel::replica::codec::{Codec, Postcard, read_postcard};
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// struct Pages {
    ///     titles: Vec<String>,
    ///     keep_links: bool,
    /// }
    ///
    /// // In schema 0 it was the titles alone.
    /// let codec = Postcard::<String>::migrating(1, |_, op| read_postcard(op))
    ///     .migrating_state(|_, state| {
    ///         Ok(Pages { titles: read_postcard(state)?, keep_links: false })
    ///     });
    /// let mut state = Vec::new();
    /// codec.migrate_state(0, b"\x01\x04Home", &mut state)?;
    /// assert_eq!(state, b"\x01\x04Home\x00");
    /// # Ok::<(), control_panel::replica::codec::DecodeError>(())
    /// ```
    pub fn migrating_state<S: Serialize>(
        mut self,
        migrate: impl Fn(u32, &[u8]) -> Result<S, DecodeError> + Send + Sync + 'static,
    ) -> Self {
        self.migrate_state = Some(Arc::new(move |schema, bytes, out| {
            write_postcard(&migrate(schema, bytes)?, out).map_err(DecodeError::value)
        }));
        self
    }
}

impl<Op: Serialize + DeserializeOwned + 'static> Codec<Op> for Postcard<Op> {
    fn schema(&self) -> u32 {
        self.schema
    }

    fn encode(&self, op: &Op, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        write_postcard(op, out)
    }

    fn decode(&self, schema: u32, bytes: &[u8]) -> Result<Op, DecodeError> {
        match &self.migrate {
            Some(migrate) if schema < self.schema => migrate(schema, bytes),
            _ => read_postcard(bytes),
        }
    }

    fn migrate_state(&self, schema: u32, state: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        match &self.migrate_state {
            Some(migrate) => migrate(schema, state, out),
            None => Err(DecodeError::new(0, Refused::Schema { found: schema, known: self.schema })),
        }
    }
}

impl<Op: Serialize + DeserializeOwned> Default for Postcard<Op> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Op> Clone for Postcard<Op> {
    fn clone(&self) -> Self {
        Self { schema: self.schema, migrate: self.migrate.clone(), migrate_state: self.migrate_state.clone() }
    }
}

impl<Op> fmt::Debug for Postcard<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postcard").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Reads a value that postcard wrote, from bytes from an untrusted source: see [`Postcard`] for what it refuses.
///
/// # Errors
/// They are no such value, or not the whole of one and nothing else.
///
/// ```
/// use control_panel::replica::codec::read_postcard;
///
/// assert_eq!(read_postcard::<(u8, bool)>(&[7, 1])?, (7, true));
/// // A list of four thousand million elements, in five bytes.
/// assert!(read_postcard::<Vec<u32>>(&[0xff, 0xff, 0xff, 0xff, 0x0f]).is_err());
/// # Ok::<(), control_panel::replica::codec::DecodeError>(())
/// ```
pub fn read_postcard<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut values = Values::new(bytes);
    match T::deserialize(&mut values) {
        Ok(value) => values.end().map(|()| value),
        Err(reason) => Err(DecodeError::new(values.offset(), Refused::Value(reason.to_string()))),
    }
}

pub(crate) fn write_postcard<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    value.serialize(&mut Writer::new(out)).map_err(|reason| EncodeError::Value(reason.to_string()))
}

/// Writes an intent, whose deltas hand their runs over. Where it fails there is an error, and some of it may be written and handed over.
#[cfg(feature = "journal")]
#[inline]
pub(crate) fn write_recorded<T: Serialize>(
    value: &T,
    out: &mut Vec<u8>,
    runs: &mut Collected,
) -> Result<(), ()> {
    value.serialize(&mut Writer::recording(out, runs)).map_err(drop)
}
