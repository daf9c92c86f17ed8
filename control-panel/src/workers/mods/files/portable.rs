//! Folders and files by path, where the system has no lookups relative to an open folder: each part of a path is looked at
//! before it is passed, and the file that was opened is looked at again.

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
    /// The mods folder itself, which may be reached by links: the host names it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        fs::canonicalize(path).map(Self)
    }

    /// A folder in it that is no link.
    pub(super) fn folder(&self, name: &OsStr) -> io::Result<Self> {
        match self.look(name)?.0 {
            Kind::Folder => Ok(Self(self.0.join(name))),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// A file in it that is no link; perhaps not a regular one: see [`opened`].
    pub(super) fn file(&self, name: &OsStr) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        // A link is opened itself, not what it leads to.
        #[cfg(windows)]
        {
            use std::os::windows::fs::OpenOptionsExt;
            const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
            options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
        }
        options.open(self.0.join(name))
    }

    /// What a name in it is, links not followed.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<(Kind, Stamp)> {
        let metadata = fs::symlink_metadata(self.0.join(name))?;
        Ok((kind(metadata.file_type()), stamp(&metadata)))
    }

    /// What a link in it leads to.
    pub(super) fn behind(&self, name: &OsStr) -> io::Result<Kind> {
        fs::metadata(self.0.join(name)).map(|metadata| kind(metadata.file_type()))
    }

    /// The text of a link in it.
    pub(super) fn link(&self, name: &OsStr) -> Option<PathBuf> {
        fs::read_link(self.0.join(name)).ok()
    }

    /// The names in it, and what each is where the system says so.
    pub(super) fn names(
        &self,
    ) -> io::Result<impl Iterator<Item = io::Result<(OsString, Option<Kind>)>> + use<>> {
        let named = |entry: fs::DirEntry| (entry.file_name(), entry.file_type().ok().map(kind));
        Ok(fs::read_dir(&self.0)?.map(move |entry| entry.map(named)))
    }
}

/// Here a link is opened itself, and found to be one.
pub(super) fn is_a_link(_: &io::Error) -> bool {
    false
}

/// What the file that was opened is, whatever its name stands for by now.
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
    // There is no time of the last change of anything else, and no number of a file; the time it was made is close.
    Stamp { length: metadata.len(), modified, changed: modified, file: since(metadata.created()) }
}
