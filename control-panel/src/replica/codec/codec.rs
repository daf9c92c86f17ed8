//! How operations become bytes.

use super::{DecodeError, EncodeError};

/// How the operations of a state become bytes and come back: at the edges only, a replica itself works on values.
///
/// [`Postcard`](super::Postcard) is the default. Implement it for another format, or where operations hold what their type does not show (a
/// compressed text). Rules:
/// - What `encode` writes, `decode` reads back, on every replica: a replica tries each operation of its own before it commits it.
/// - `decode` depends on nothing but its arguments. An operation that it refuses is kept and forwarded but not applied, so all replicas must
///   refuse the same. It never allocates more than a small multiple of the bytes, nor recurses deeper than a fixed bound:
///   the bytes may come from an enemy.
/// - The bytes of one schema number mean the same forever.
///
/// ```
/// use control_panel::replica::codec::{Codec, DecodeError, EncodeError};
///
/// /// Since schema 1, a line has an author's number before it.
/// struct Lines;
///
/// impl Codec<(u8, String)> for Lines {
///     fn schema(&self) -> u32 {
///         1
///     }
///
///     fn encode(&self, (author, line): &(u8, String), out: &mut Vec<u8>) -> Result<(), EncodeError> {
///         out.push(*author);
///         out.extend_from_slice(line.as_bytes());
///         Ok(())
///     }
///
///     fn decode(&self, schema: u32, bytes: &[u8]) -> Result<(u8, String), DecodeError> {
///         let (author, line) = match (schema, bytes) {
///             (0, line) => (0, line),
///             (_, [author, line @ ..]) => (*author, line),
///             _ => return Err(DecodeError::value("a line without an author")),
///         };
///         Ok((author, std::str::from_utf8(line).map_err(DecodeError::value)?.to_owned()))
///     }
/// }
///
/// assert_eq!(Lines.decode(0, b"old"), Ok((0, "old".into())));
/// ```
pub trait Codec<Op>: Send + Sync + 'static {
    /// The number of the schema in which [`encode`](Self::encode) writes, from 0: raised with each change of what `Op` can hold.
    fn schema(&self) -> u32;

    /// Appends the operation.
    ///
    /// # Errors
    /// The operation has no bytes: it is not committed.
    fn encode(&self, op: &Op, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Reads an operation of this or an older schema, and brings it to the present one.
    ///
    /// # Errors
    /// They are no bytes of an operation: [`DecodeError::value`].
    fn decode(&self, schema: u32, bytes: &[u8]) -> Result<Op, DecodeError>;
}
