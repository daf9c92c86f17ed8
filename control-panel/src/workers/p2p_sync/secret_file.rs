//! Files that are written whole or not at all, and that no other user of the machine reads.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Reads a whole file of at most so many bytes. `None` if there is none.
pub(super) fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, FileFault> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Of the file that is open: another may come to its name meanwhile.
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(FileFault::NotAFile);
    }
    check_owner_only(&found)?;
    if found.len() > most {
        return Err(FileFault::TooLong);
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(FileFault::TooLong) } else { Ok(Some(bytes)) }
}

#[cfg(unix)]
fn check_owner_only(found: &fs::Metadata) -> Result<(), FileFault> {
    use std::os::unix::fs::MetadataExt;

    let mode = found.mode() & 0o777;
    if mode.trailing_zeros() >= 6 { Ok(()) } else { Err(FileFault::Readable { mode }) }
}

/// Where files have no such modes the folder's rights are all there is.
#[cfg(not(unix))]
fn check_owner_only(_: &fs::Metadata) -> Result<(), FileFault> {
    Ok(())
}

/// Makes a file that must not exist.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    let new = beside(path);
    write_synced(&new, bytes)?;
    // Unlike a rename it never takes the place of another file.
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new)?;
    linked?;
    sync_folder(path);
    Ok(())
}

/// Puts a file in the place of the one that has this name.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    let new = beside(path);
    write_synced(&new, bytes)?;
    fs::rename(&new, path)?;
    sync_folder(path);
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    name.into()
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    // One that a crash left: of this name it is this process's, or of one that is gone.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

/// The name is durable too. Some systems refuse to sync a folder, and do it by themselves.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        folder.sync_all().ok();
    }
}

/// What is wrong with a key file or a trust store. The file is as it was.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileFault {
    /// The system refused.
    Io(io::Error),
    /// It is a folder, or a device.
    NotAFile,
    /// Others on this machine may read it or write it: its mode, of which the last six bits must be 0. A key that was readable may
    /// have been copied: make another.
    Readable {
        /// As `chmod` takes it.
        mode: u32,
    },
    /// It is longer than any such file.
    TooLong,
    /// It is not such a file, or not whole: which line, from 1.
    Malformed {
        /// From 1.
        line: usize,
        /// What is wrong there.
        what: &'static str,
    },
}

impl From<io::Error> for FileFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl std::fmt::Display for FileFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NotAFile => f.write_str("it is not a file"),
            Self::Readable { mode } => {
                write!(
                    f,
                    "others may read or write it (mode {mode:03o}): `chmod 600` it, and if it is a key that others may have read, make another"
                )
            }
            Self::TooLong => f.write_str("it is too long to be one"),
            Self::Malformed { line, what } => write!(f, "line {line}: {what}"),
        }
    }
}

/// A key file or a trust store that cannot be used.
#[derive(Debug)]
pub struct FileError {
    path: PathBuf,
    fault: FileFault,
}

impl FileError {
    /// Which file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it.
    pub fn fault(&self) -> &FileFault {
        &self.fault
    }
}

impl FileFault {
    pub(super) fn at(self, path: &Path) -> FileError {
        FileError { path: path.into(), fault: self }
    }
}

impl std::fmt::Display for FileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.fault)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            FileFault::Io(error) => Some(error),
            _ => None,
        }
    }
}
