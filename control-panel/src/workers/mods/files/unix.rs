//! Folders and files by descriptor: each name is looked up relative to the open folder (`openat`), so exchanging something on
//! the path cannot redirect the lookup, and no file is opened in a way that could wait for another program.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat},
    io::Errno,
};

use super::{Kind, Stamp};

/// The flags of every `open`: it never waits for a pipe, device or lease, child processes do not inherit the descriptor, and no
/// terminal becomes the controlling one.
const ALWAYS: OFlags = OFlags::NONBLOCK.union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// The mods folder itself, which may be reached through links, because the host names it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let folder = openat(CWD, path, ALWAYS | OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        Ok(Self(folder))
    }

    /// Opens a folder in it that is not a link.
    pub(super) fn folder(&self, name: &OsStr) -> io::Result<Self> {
        // A folder that is only traversed need not be readable.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let access = OFlags::PATH;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let access = OFlags::RDONLY;
        let flags = ALWAYS | access | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        Ok(Self(openat(&self.0, name, flags, Mode::empty())?))
    }

    /// Opens a file in it that is not a link; it may be irregular: see [`opened`].
    pub(super) fn file(&self, name: &OsStr) -> io::Result<File> {
        let flags = ALWAYS | OFlags::RDONLY | OFlags::NOFOLLOW;
        Ok(File::from(openat(&self.0, name, flags, Mode::empty())?))
    }

    /// The type of a name in it, without following links.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<(Kind, Stamp)> {
        let stat = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok((kind(FileType::from_raw_mode(stat.st_mode)), stamp(&stat)))
    }

    /// The type of a link's target.
    pub(super) fn behind(&self, name: &OsStr) -> io::Result<Kind> {
        let stat = statat(&self.0, name, AtFlags::empty())?;
        Ok(kind(FileType::from_raw_mode(stat.st_mode)))
    }

    /// The text of a link in it.
    pub(super) fn link(&self, name: &OsStr) -> Option<PathBuf> {
        let text = readlinkat(&self.0, name, Vec::new()).ok()?;
        Some(PathBuf::from(OsStr::from_bytes(text.as_bytes())))
    }

    /// The names in it, with their types if the system provides them.
    pub(super) fn names(
        &self,
    ) -> io::Result<impl Iterator<Item = io::Result<(OsString, Option<Kind>)>> + use<>> {
        let own = |name: &[u8]| name == b"." || name == b"..";
        let names = Dir::read_from(&self.0)?.filter_map(move |entry| match entry {
            Ok(entry) if own(entry.file_name().to_bytes()) => None,
            Ok(entry) => {
                let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
                let known = Some(entry.file_type()).filter(|kind| *kind != FileType::Unknown);
                Some(Ok((name, known.map(kind))))
            }
            Err(error) => Some(Err(error.into())),
        });
        Ok(names)
    }
}

/// Whether a file was not opened because its name is a link.
pub(super) fn is_a_link(error: &io::Error) -> bool {
    // POSIX specifies the first; FreeBSD and DragonFly return the second.
    [Errno::LOOP, Errno::MLINK].iter().any(|link| error.raw_os_error() == Some(link.raw_os_error()))
}

/// What the opened file is, whatever its name refers to by now.
pub(super) fn opened(file: &File) -> io::Result<(Kind, Stamp)> {
    let stat = fstat(file)?;
    Ok((kind(FileType::from_raw_mode(stat.st_mode)), stamp(&stat)))
}

fn kind(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

fn stamp(stat: &Stat) -> Stamp {
    #[cfg(target_os = "netbsd")]
    let nanos = (stat.st_mtimensec, stat.st_ctimensec);
    #[cfg(not(target_os = "netbsd"))]
    let nanos = (stat.st_mtime_nsec, stat.st_ctime_nsec);
    // The field types differ between systems.
    Stamp {
        length: u64::try_from(stat.st_size).unwrap_or(0),
        modified: (i128::from(stat.st_mtime), i128::from(nanos.0)),
        changed: (i128::from(stat.st_ctime), i128::from(nanos.1)),
        file: (i128::from(stat.st_dev), i128::from(stat.st_ino)),
    }
}
