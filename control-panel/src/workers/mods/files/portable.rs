//! Folders and files by path, for systems without lookups relative to an open folder: each part of a path is checked before it
//! is traversed, and the opened file is checked again.

#![cfg_attr(test, allow(dead_code, reason = "on Unix only its tests use it"))]

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, FileType, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{Kind, Stamp};

/// A folder.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The mods folder itself, which may be reached through links, because the host names it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        fs::canonicalize(path).map(Self)
    }

    /// Opens a folder in it that is not a link.
    pub(super) fn folder(&self, name: &OsStr) -> io::Result<Self> {
        match self.look(name)?.0 {
            Kind::Folder => Ok(Self(self.0.join(name))),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Opens a file in it that is not a link; it may be irregular: see [`opened`].
    pub(super) fn file(&self, name: &OsStr) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        // Opens a link itself, not its target.
        #[cfg(windows)]
        {
            use std::os::windows::fs::OpenOptionsExt;
            const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
            options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
        }
        options.open(self.0.join(name))
    }

    /// The type of a name in it, without following links.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<(Kind, Stamp)> {
        let metadata = fs::symlink_metadata(self.0.join(name))?;
        Ok((kind(metadata.file_type()), stamp(&metadata)))
    }

    /// The type of a link's target.
    pub(super) fn behind(&self, name: &OsStr) -> io::Result<Kind> {
        fs::metadata(self.0.join(name)).map(|metadata| kind(metadata.file_type()))
    }

    /// The text of a link in it.
    pub(super) fn link(&self, name: &OsStr) -> Option<PathBuf> {
        fs::read_link(self.0.join(name)).ok()
    }

    /// The names in it, with their types if the system provides them.
    pub(super) fn names(
        &self,
    ) -> io::Result<impl Iterator<Item = io::Result<(OsString, Option<Kind>)>> + use<>> {
        let named = |entry: fs::DirEntry| (entry.file_name(), entry.file_type().ok().map(kind));
        Ok(fs::read_dir(&self.0)?.map(move |entry| entry.map(named)))
    }
}

/// Here a link itself is opened, and detected afterwards.
pub(super) fn is_a_link(_: &io::Error) -> bool {
    false
}

/// What the opened file is, whatever its name refers to by now.
pub(super) fn opened(file: &File) -> io::Result<(Kind, Stamp)> {
    let metadata = file.metadata()?;
    Ok((kind(metadata.file_type()), stamp(&metadata)))
}

fn kind(file_type: FileType) -> Kind {
    match file_type {
        kind if kind.is_symlink() => Kind::Link,
        kind if kind.is_dir() => Kind::Folder,
        kind if kind.is_file() => Kind::File,
        _ => Kind::Other,
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    let since =
        |time: io::Result<SystemTime>| match time.map(|time| time.duration_since(SystemTime::UNIX_EPOCH)) {
            Ok(Ok(since)) => (i128::from(since.as_secs()), i128::from(since.subsec_nanos())),
            _ => (0, 0),
        };
    let modified = since(metadata.modified());
    // Other systems have no time of the last change of the metadata, and no inode number; the creation time comes close.
    Stamp { length: metadata.len(), modified, changed: modified, file: since(metadata.created()) }
}
