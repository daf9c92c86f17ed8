//! The place of a journal: what distinguishes it from a copy of it.

use std::{fs::Metadata, path::Path};

#[cfg(unix)]
const PLACE: &[u8; 32] = b"control-panel journal place v1\0\0";
#[cfg(unix)]
const STAMP: &[u8; 32] = b"control-panel journal stamp v1\0\0";

/// The boot of the machine, the path, and the file's number. A copy has another path or number; a machine that was restored from an
/// image has another boot. `None` if the system does not provide them.
#[cfg(unix)]
pub(super) fn whereabouts(path: &Path, file: &Metadata) -> Option<[u8; 32]> {
    use std::os::unix::fs::MetadataExt;

    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let path = path.canonicalize().ok()?;
    let mut hasher = blake3::Hasher::new_keyed(PLACE);
    for part in [boot.trim().as_bytes(), path.as_os_str().as_encoded_bytes()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    for number in [file.dev(), file.ino()] {
        hasher.update(&number.to_le_bytes());
    }
    Some(*hasher.finalize().as_bytes())
}

/// A value that changes with every write to the file, so that a backup restored in its place has another one. Compared for equality,
/// never ordered.
#[cfg(unix)]
pub(super) fn stamp(path: &Path) -> Option<[u8; 32]> {
    use std::os::unix::fs::MetadataExt;

    let file = std::fs::metadata(path).ok()?;
    let mut hasher = blake3::Hasher::new_keyed(STAMP);
    for part in [file.ctime(), file.ctime_nsec(), file.mtime(), file.mtime_nsec()] {
        hasher.update(&part.to_le_bytes());
    }
    hasher.update(&file.size().to_le_bytes());
    Some(*hasher.finalize().as_bytes())
}

#[cfg(not(unix))]
pub(super) fn whereabouts(_: &Path, _: &Metadata) -> Option<[u8; 32]> {
    None
}

#[cfg(not(unix))]
pub(super) fn stamp(_: &Path) -> Option<[u8; 32]> {
    None
}
