//! How operations become bytes.

use super::{DecodeError, EncodeError, Refused};

/// How the operations of a state become bytes and come back: at the edges only, a replica itself works on values.
///
/// [`Postcard`](super::Postcard) is the default. Implement it for another format, or where operations hold what their type does not show (a
/// compressed text). Rules:
/// - What `encode` writes, `decode` reads back, on every replica: a replica tries each operation of its own before it commits it.
/// - `decode` depends on nothing but its arguments. An operation that it refuses is kept and forwarded but not applied, so all replicas must
///   refuse the same. It never allocates more than a small multiple of the bytes, nor recurses deeper than a fixed bound:
///   the bytes may come from an enemy.
/// - The bytes of one schema number mean the same forever, those of a state ([`migrate_state`](Codec::migrate_state)) as those of an operation.
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
///     fn encode(
///         &self,
///         (author, line): &(u8, String),
///         out: &mut Vec<u8>,
///     ) -> Result<(), EncodeError> {
///         out.push(*author);
///         out.extend_from_slice(line.as_bytes());
///         Ok(())
///     }
///
///     fn decode(
///         &self,
///         schema: u32,
///         bytes: &[u8],
///     ) -> Result<(u8, String), DecodeError> {
///         let (author, line) = match (schema, bytes) {
///             (0, line) => (0, line),
///             (_, [author, line @ ..]) => (*author, line),
///             _ => return Err(DecodeError::value("a line without an author")),
///         };
///         Ok((
///             author,
///             std::str::from_utf8(line).map_err(DecodeError::value)?.to_owned(),
///         ))
///     }
/// }
///
/// assert_eq!(Lines.decode(0, b"old"), Ok((0, "old".into())));
/// ```
pub trait Codec<Op>: Send + Sync + 'static {
    /// The number of the schema in which [`encode`](Self::encode) writes, from 0: raised with each change of what `Op` can hold.
    ///
    /// ```
    /// use control_panel::replica::codec::{Codec, Postcard};
    ///
    /// assert_eq!(Codec::<String>::schema(&Postcard::new()), 0);
    /// ```
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

    /// Brings a state of an older schema to the present one: from the bytes in which serde and postcard wrote the old type, to those in which they write the
    /// present one, which are appended. Called where a [`Snapshot`](crate::replica::Snapshot) of an older program is read: by a peer that joins, and by a
    /// journal of which the replica began with one. Default: such a snapshot is refused ([`Refused::Schema`]).
    ///
    /// It must make the state that the present `apply` makes of the [migrated](Self::decode) operations, as members that have the history have that one.
    ///
    /// ```
    /// use control_panel::replica::codec::{
    ///     Codec, DecodeError, EncodeError, Postcard, read_postcard,
    /// };
    ///
    /// /// In schema 0 the state was a list of lines; since 1 each has its author's
    /// /// number.
    /// type State = Vec<(u8, String)>;
    ///
    /// struct Lines;
    ///
    /// impl Codec<(u8, String)> for Lines {
    /// #   fn schema(&self) -> u32 { 1 }
    /// #   fn encode(&self, op: &(u8, String), out: &mut Vec<u8>) -> Result<(), EncodeError> { Postcard::new().encode(op, out) }
    /// #   fn decode(&self, schema: u32, bytes: &[u8]) -> Result<(u8, String), DecodeError> {
    /// #       if schema == 0 { Ok((0, read_postcard(bytes)?)) } else { read_postcard(bytes) }
    /// #   }
    ///     // (schema, encode and decode as above)
    ///     fn migrate_state(
    ///         &self,
    ///         schema: u32,
    ///         state: &[u8],
    ///         out: &mut Vec<u8>,
    ///     ) -> Result<(), DecodeError> {
    ///         assert_eq!(schema, 0, "called for older schemas only");
    ///         let lines: Vec<String> = read_postcard(state)?;
    ///         let state: State = lines.into_iter().map(|line| (0, line)).collect();
    ///         Postcard::new().encode(&state, out).map_err(DecodeError::value)
    ///     }
    /// }
    ///
    /// let mut migrated = Vec::new();
    /// Lines.migrate_state(0, b"\x01\x03old", &mut migrated)?;
    /// assert_eq!(read_postcard::<State>(&migrated)?, [(0, "old".to_owned())]);
    /// # Ok::<(), DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// This program does not know the old type, or they are no bytes of one: [`DecodeError::value`].
    fn migrate_state(&self, schema: u32, state: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let _ = (state, out);
        Err(DecodeError::new(0, Refused::Schema { found: schema, known: self.schema() }))
    }
}
