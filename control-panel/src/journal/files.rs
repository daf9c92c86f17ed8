//! Journals as files: found, made, read.

use std::{
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    ops::Deref,
    path::{Path, PathBuf},
};

use redb::backends::FileBackend;

use super::{
    error::{Fault, JournalError},
    lock::LockFile,
    store::{Disk, FORMAT, MAGIC, Meta, Reader, Store},
};

/// A read-only view of a journal, which no process can write while the view exists.
#[derive(Debug)]
pub(crate) struct ReadOnly {
    reader: Reader,
    /// Shared by all readers.
    _lock: Option<LockFile>,
}

impl Deref for ReadOnly {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

/// Opens a journal for reading. Nothing is written, whatever is found.
pub(crate) fn open_to_read(path: &Path) -> Result<ReadOnly, JournalError> {
    let open = || {
        if !look(path)? {
            return Err(Fault::NotFound);
        }
        let lock = LockFile::shared(path)?;
        let file = File::open(path).map_err(Fault::of_io)?;
        let reader = Reader::open(&Disk::staged(backend(file)?).map_err(Fault::of_io)?)?;
        Ok(ReadOnly { reader, _lock: lock })
    };
    open().map_err(|fault: Fault| fault.at(path))
}

/// A damaged file, and whether it begins like a journal.
#[derive(Debug)]
pub(crate) struct ToSalvage {
    pub(crate) file: File,
    pub(crate) magic: Result<(), Fault>,
    _lock: Option<LockFile>,
}

/// Opens a file that may be damaged. Nothing is written.
pub(crate) fn open_to_salvage(path: &Path) -> Result<ToSalvage, JournalError> {
    let open = || {
        let magic = match look(path) {
            Ok(true) => Ok(()),
            Ok(false) => return Err(Fault::NotFound),
            Err(fault @ (Fault::NotAJournal | Fault::Truncated)) => Err(fault),
            Err(fault) => return Err(fault),
        };
        let lock = LockFile::shared(path)?;
        let file = File::open(path).map_err(Fault::of_io)?;
        Ok(ToSalvage { file, magic, _lock: lock })
    };
    open().map_err(|fault: Fault| fault.at(path))
}

/// Creates a journal with another one's description of itself, except for its place: a program that continues it is a new life of
/// its peer.
pub(crate) fn create_new(path: &Path, meta: Meta) -> Result<Store, JournalError> {
    let create = || {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(path).map_err(Fault::of_io)?;
        let disk = Disk::staged(backend(file)?).map_err(Fault::of_io)?;
        Store::create(disk, Meta { token: token(), clean: false, whereabouts: [0; 32], ..meta })
    };
    create().map_err(|fault: Fault| fault.at(path))
}

/// Copies an intact journal, except for its place: a program that continues the copy is a new life of its peer.
pub(crate) fn create_copy(from: &Path, to: &Path) -> Result<(), JournalError> {
    let create = || {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create_new(true).open(to).map_err(Fault::of_io)?;
        let copied = File::open(from).and_then(|mut from| io::copy(&mut from, &mut file));
        if let Err(error) = copied {
            fs::remove_file(to).ok();
            return Err(Fault::of_io(error));
        }
        let mut store = Store::open(&Disk::staged(backend(file)?).map_err(Fault::of_io)?)?;
        store.set_meta(Meta { token: token(), clean: false, whereabouts: [0; 32], ..*store.meta() })
    };
    create().map_err(|fault: Fault| fault.at(to))
}

/// Whether there is a file, and one that may be a journal. Checked before anything is created beside it.
pub(super) fn look(path: &Path) -> Result<bool, Fault> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Fault::of_io(error)),
    };
    if found.is_symlink() {
        return Err(Fault::Symlink { target: fs::read_link(path).unwrap_or_default() });
    }
    if !found.is_file() {
        return Err(Fault::NotAFile);
    }
    if found.len() == 0 {
        return Err(Fault::Empty);
    }
    check_magic(&File::open(path).map_err(Fault::of_io)?)?;
    Ok(true)
}

fn check_magic(file: &File) -> Result<(), Fault> {
    let mut begin = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut begin).map_err(Fault::of_io)?;
    match begin {
        begin if begin == MAGIC => Ok(()),
        begin if MAGIC.starts_with(&begin) => Err(Fault::Truncated),
        _ => Err(Fault::NotAJournal),
    }
}

/// Creates a journal under a temporary name; it gets its real name once it is complete.
pub(super) fn make(path: &Path) -> Result<(), Fault> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(true).open(&new).map_err(Fault::of_io)?;
    let disk = Disk::staged(backend(file)?).map_err(Fault::of_io)?;
    drop(Store::create(disk, Meta { format: FORMAT, token: token(), ..Meta::default() })?);
    // This never replaces another file: every creator holds the lock.
    fs::rename(&new, path).map_err(Fault::of_io)?;
    sync_folder(path);
    Ok(())
}

/// Makes the name durable too. Some systems refuse to sync a folder, and do so by themselves.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        folder.sync_all().ok();
    }
}

pub(super) fn backend(file: File) -> Result<FileBackend, Fault> {
    FileBackend::new(file).map_err(Fault::damaged)
}

/// Random bits, from the seed of the standard library's hash maps.
pub(super) fn token() -> [u8; 16] {
    let mut token = [0; 16];
    for half in token.chunks_exact_mut(8) {
        half.copy_from_slice(&RandomState::new().hash_one(std::process::id()).to_le_bytes());
    }
    token
}
