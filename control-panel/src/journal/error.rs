//! Why a journal cannot be opened, read or written.

use std::{
    error, fmt, io,
    path::{Path, PathBuf},
};

use crate::replica::{
    Peer, SnapshotError,
    codec::{DecodeError, EncodeError},
};

/// Why a [`Journal`](super::Journal) cannot be opened, read or written: which file, why, and what mends it.
///
/// None of these changes the file.
///
/// ```
/// use control_panel::journal::{Fault, Journal};
///
/// let folder = std::env::temp_dir();
/// let error = Journal::open(&folder).unwrap_err();
/// assert!(matches!(error.fault(), Fault::NotAFile));
/// assert_eq!(error.path(), folder);
/// assert!(
///     error
///         .to_string()
///         .ends_with("not a file: give the path of the journal itself")
/// );
/// ```
#[derive(Debug)]
pub struct JournalError {
    path: PathBuf,
    fault: Fault,
}

/// What is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// There is no such file, and it was to be read.
    NotFound,
    /// A directory, a device, a socket.
    NotAFile,
    /// A symbolic link: two paths to one journal would be two locks.
    Symlink {
        /// Where it points to.
        target: PathBuf,
    },
    /// The file, or its file system, is read-only.
    ReadOnly,
    /// This process may not open it.
    PermissionDenied,
    /// A file of no bytes: no journal is ever that, as it gets its name when it is complete.
    Empty,
    /// A file of another kind.
    NotAJournal,
    /// It ends before what it declares.
    Truncated,
    /// Bytes in it are not those that were written.
    Damaged {
        /// Where, in the journal's own words.
        what: String,
    },
    /// It was written by a later version of this crate.
    NewerFormat {
        /// The format of the file.
        found: u64,
        /// The last format that this version reads.
        known: u64,
    },
    /// It was written by a version of this crate whose format this one does not read any more.
    OlderFormat {
        /// The format of the file.
        found: u64,
        /// The first format that this version reads.
        oldest: u64,
    },
    /// Another process has it open, or this one has.
    InUse {
        /// Which, if it could be found out.
        pid: Option<u32>,
        /// The path of its program, if it could be found out.
        program: Option<String>,
    },
    /// It changed while it was read, by a process that ignores its lock.
    Changed,
    /// It is of a group of replicas that began with other members, or with another codec.
    OtherGroup,
    /// It is another peer's.
    OtherPeer {
        /// Whose it is.
        journal: Peer,
        /// The builder's.
        program: Peer,
    },
    /// It was written by another reducer.
    OtherReducer {
        /// The fingerprint of the reducer that wrote it.
        journal: u64,
        /// The fingerprint of this program's.
        program: u64,
    },
    /// Its own operations are of a schema that this program's codec does not know.
    NewerSchema {
        /// The schema of the journal.
        journal: u32,
        /// That of this program.
        program: u32,
    },
    /// The replica has no codec, so its operations have no bytes.
    NoCodec,
    /// The disk, or a quota, is full.
    Full,
    /// What was written could not be made durable. It is not tried again in this process: after one failure the system may report
    /// success for data that is lost. Opening it anew, in another process, reads what is there.
    SyncFailed,
    /// It has a replica already: one journal, one replica.
    HasReplica,
    /// It was closed by this program.
    Closed,
    /// A run in it cannot be read by this program.
    Run(DecodeError),
    /// What the replica holds has no bytes: the state's `Serialize` fails.
    Encode(EncodeError),
    /// The replica's state does not come back from what serde makes of it, so no snapshot takes the place of its operations: all of them stay in the file.
    State(EncodeError),
    /// Its snapshot does not fit the replica.
    Snapshot(SnapshotError),
    /// The system refuses.
    Io(io::Error),
}

impl JournalError {
    pub(crate) fn new(path: impl Into<PathBuf>, fault: Fault) -> Self {
        Self { path: path.into(), fault }
    }

    /// The journal.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }
}

impl Fault {
    /// What an error of the system says about a journal.
    pub(crate) fn of_io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::IsADirectory => Self::NotAFile,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full
            }
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Io(error),
        }
    }

    pub(crate) fn damaged(what: impl fmt::Display) -> Self {
        Self::Damaged { what: what.to_string() }
    }

    pub(crate) fn at(self, path: &Path) -> JournalError {
        JournalError::new(path, self)
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such file: a journal is made by the program that writes it"),
            Self::NotAFile => f.write_str("not a file: give the path of the journal itself"),
            Self::Symlink { target } => write!(
                f,
                "a symbolic link: give the path of the journal itself, {}",
                target.display()
            ),
            Self::ReadOnly => f.write_str("read-only: make it writable, or read it without writing"),
            Self::PermissionDenied => f.write_str("this process may not open it: change its owner or its mode"),
            Self::Empty => f.write_str("an empty file is no journal: remove it, or restore the journal that it was"),
            Self::NotAJournal => f.write_str("not a journal: give another path, the file is left as it is"),
            Self::Truncated => f.write_str("truncated: `salvage` writes the good prefix into another file"),
            Self::Damaged { what } => {
                write!(f, "damaged ({what}): `salvage` writes the good prefix into another file")
            }
            Self::NewerFormat { found, known } => write!(
                f,
                "journal format {found}, and this program reads up to format {known}: update the program"
            ),
            Self::OlderFormat { found, oldest } => write!(
                f,
                "journal format {found}, and this program reads from format {oldest} on: open it with an earlier version"
            ),
            Self::InUse { pid, program } => {
                f.write_str("in use by ")?;
                match (pid, program) {
                    (Some(pid), Some(program)) => write!(f, "process {pid} ({program})")?,
                    (Some(pid), None) => write!(f, "process {pid}")?,
                    _ => f.write_str("another process")?,
                }
                f.write_str(": stop that first, or give each process a journal of its own")
            }
            Self::Changed => f.write_str("it changed while it was read: stop what writes it, or read a copy"),
            Self::OtherGroup => f.write_str(
                "of a group that began with other members or another codec: give the builder those, or another path",
            ),
            Self::OtherPeer { journal, program } => write!(
                f,
                "the journal of peer {journal}, and this replica is {program}: each peer has a journal of its own"
            ),
            Self::OtherReducer { journal, program } => write!(
                f,
                "written by reducer {journal:#x}, and this program runs {program:#x}: see with `refold` what that changes, then \
                 call `Journal::adopt_reducer`"
            ),
            Self::NewerSchema { journal, program } => write!(
                f,
                "operations of schema {journal}, and this program's codec knows up to schema {program}: update the program"
            ),
            Self::NoCodec => f.write_str("the replica has no codec: call `ReplicaBuilder::codec` first"),
            Self::Full => f.write_str("the disk is full: make room, what waits is written then"),
            Self::SyncFailed => f.write_str(
                "the disk failed to keep what was written: check it, and start the program again from what it holds",
            ),
            Self::HasReplica => {
                f.write_str("this journal has a replica already: open another journal for another replica")
            }
            Self::Closed => f.write_str("closed: open it again"),
            Self::Run(error) => write!(f, "a run that cannot be read: {error}"),
            Self::Encode(error) => write!(f, "{error}"),
            Self::State(error) => write!(f, "not compacted ({error}): {MEND_STATE}"),
            Self::Snapshot(error) => write!(f, "its snapshot: {error}"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

/// What is done about a state that does not come back.
pub(super) const MEND_STATE: &str = "make the state's `Serialize` and `Deserialize` fit each other, as postcard needs them (no `untagged`, `flatten` or \
     `skip_serializing_if`): a peer that joins gets the state by them, too";

impl error::Error for JournalError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.fault {
            Fault::Run(error) => Some(error),
            Fault::Encode(error) | Fault::State(error) => Some(error),
            Fault::Snapshot(error) => Some(error),
            Fault::Io(error) => Some(error),
            _ => None,
        }
    }
}
