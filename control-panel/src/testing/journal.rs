//! Journals that two runs of a test write alike.

use std::path::Path;

use crate::journal::{Journal, JournalError};

/// Opens a journal as [`Journal::open`] does, but draws from a seed what is random in it: by how much a new life of a replica is beyond those
/// that are known. So two runs of one seed export equal bytes ([`Recording::to_bytes`](crate::journal::Recording::to_bytes)), where all else that they do is equal.
///
/// For that give the panel no [writer](Journal::writer), whose thread has its own pace, and call [`Journal::flush`] after each frame: what is durable at what moment is part of a
/// recording, as a replica reads it. Not for programs: two copies of one journal would go on as one author.
///
/// # Errors
/// Those of [`Journal::open`].
///
/// ```
/// use control_panel::{
///     Peer, Replica, Stamp, State,
///     replica::codec::{Limits, Postcard},
///     testing,
/// };
/// # #[derive(Clone, Default, Debug, serde::Serialize, serde::Deserialize)]
/// # struct Words(Vec<String>);
/// # impl State for Words {
/// #     type Op = String;
/// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()) }
/// # }
/// # let folder = tempfile::tempdir()?;
/// let author = |name: &str, seed| {
///     let journal = testing::journal(folder.path().join(name), seed)?;
///     let builder = Replica::builder(Peer([1; 32]), Words::default());
///     journal
///         .replica(builder.codec(Postcard::new(), Limits::default()))
///         .map(|replica| replica.author())
/// };
/// assert_eq!(author("one", 7)?, author("another", 7)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn journal(path: impl AsRef<Path>, seed: u64) -> Result<Journal, JournalError> {
    Journal::open_seeded(path.as_ref(), seed)
}
