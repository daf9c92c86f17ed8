//! Reads one file whole, without blocking and without leaving the folder, or returns why not.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::{
    super::{error::ModError, text::plain},
    Folder, Kind, Stamp, is_a_link, opened,
};

/// How many attempts to read a file that changes during the read.
const ATTEMPTS: u32 = 3;

/// Reads a file below `base`, of at most this many bytes, unchanged from beginning to end.
pub(super) fn read(
    base: &Folder,
    path: &Path,
    called: &str,
    most: u64,
) -> Result<(Vec<u8>, Stamp), ModError> {
    for _ in 0..ATTEMPTS {
        if let Some(read) = read_once(base, path, called, most)? {
            return Ok(read);
        }
    }
    Err(ModError::Changing { what: called.to_owned() })
}

/// The stamp of a file below `base`, if everything that leads to it is a folder.
pub(super) fn stamp_of(base: &Folder, path: &Path) -> Option<Stamp> {
    let (folder, name) = walk(base, path, "").ok()?;
    Some(folder.as_ref().unwrap_or(base).look(name).ok()?.1)
}

/// The folder that contains a path's last part, unless that is `base` itself, and that part.
fn walk<'p>(base: &Folder, path: &'p Path, called: &str) -> Result<(Option<Folder>, &'p OsStr), ModError> {
    let mut parts: Vec<&OsStr> = path.iter().collect();
    let name = parts.pop().unwrap_or_default();
    let mut folder = None;
    for (index, part) in parts.iter().enumerate() {
        let here = folder.as_ref().unwrap_or(base);
        let next = here.folder(part).map_err(|error| {
            let way: std::path::PathBuf = parts.iter().take(index + 1).collect();
            let what = plain(&way.to_string_lossy());
            match here.look(part) {
                Ok((Kind::Link, _)) => ModError::Outside { what },
                Ok((Kind::Folder, _)) => unreadable(&what, &error),
                Ok(_) => ModError::Unreadable { what, why: "it is not a folder".to_owned() },
                Err(error) => unreadable(called, &error),
            }
        })?;
        folder = Some(next);
    }
    Ok((folder, name))
}

/// Returns `None` if the file changed meanwhile.
fn read_once(
    base: &Folder,
    path: &Path,
    called: &str,
    most: u64,
) -> Result<Option<(Vec<u8>, Stamp)>, ModError> {
    let (folder, name) = walk(base, path, called)?;
    let folder = folder.as_ref().unwrap_or(base);
    let as_unreadable = |error: io::Error| unreadable(called, &error);
    let regular = |(kind, stamp): (Kind, Stamp)| match kind {
        Kind::File if stamp.length > most => {
            Err(ModError::TooLarge { what: called.to_owned(), bytes: stamp.length, most })
        }
        Kind::File => Ok(stamp),
        Kind::Link => Err(ModError::Outside { what: called.to_owned() }),
        Kind::Folder | Kind::Other => Err(ModError::NotAFile { what: called.to_owned() }),
    };
    // Opening a device may have side effects, so the type is checked first. The file's type and size are checked again once it
    // is open, because it may have been replaced.
    let before = regular(folder.look(name).map_err(as_unreadable)?)?;
    let file = match folder.file(name) {
        Ok(file) => file,
        Err(error) => {
            // Either a link has appeared by now, or the error belongs to another name.
            regular(folder.look(name).map_err(as_unreadable)?)?;
            // A link that existed only at that moment.
            return if is_a_link(&error) { Ok(None) } else { Err(unreadable(called, &error)) };
        }
    };
    let stamp = regular(opened(&file).map_err(as_unreadable)?)?;
    if stamp != before {
        return Ok(None);
    }
    let bytes = contents(&file, most).map_err(as_unreadable)?;
    let after = opened(&file).map_err(as_unreadable)?.1;
    // By its name too: the file may have been replaced while the old one was read.
    let by_name = folder.look(name).is_ok_and(|(_, now)| now == stamp);
    let unchanged = after == stamp && by_name && bytes.len() as u64 == stamp.length;
    Ok(unchanged.then_some((bytes, stamp)))
}

/// The bytes of a file; one more than the limit, if it grows.
fn contents(mut file: &File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn unreadable(what: &str, error: &io::Error) -> ModError {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        // It is opened without blocking, so a lease (held by a file server, for instance) is an error.
        io::ErrorKind::WouldBlock => {
            "another program holds it, and has to let it go first: it is read again later".to_owned()
        }
        _ => plain(&error.to_string()),
    };
    ModError::Unreadable { what: what.to_owned(), why }
}
