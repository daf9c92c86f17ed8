//! The file beside a journal that says which process has it.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    process,
};

use super::error::Fault;

/// What a session that closed the journal leaves in the lock file. It was the last session only if the journal agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) token: [u8; 16],
    /// Identifies the journal as it was left.
    pub(super) stamp: [u8; 32],
}

/// Held while the journal is open. The file is never removed, as two processes could then lock two files of one name.
#[derive(Debug)]
pub(super) struct LockFile {
    file: File,
    pub(super) left: Option<Left>,
}

impl LockFile {
    pub(super) fn path(journal: &Path) -> PathBuf {
        let mut name = OsString::from(journal);
        name.push(".lock");
        name.into()
    }

    /// The writer's lock.
    pub(super) fn exclusive(journal: &Path) -> Result<Self, Fault> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(Self::path(journal));
        let mut file = file.map_err(Fault::of_io)?;
        lock(&mut file, true)?;
        let left = Left::read(&text(&mut file));
        let mut lock = Self { file, left };
        // The lock holds without a name, too.
        lock.write(None).ok();
        Ok(lock)
    }

    /// The lock of a reader, if there is a lock file: a journal without one was never written in its present place.
    pub(super) fn shared(journal: &Path) -> Result<Option<Self>, Fault> {
        let mut file = match File::open(Self::path(journal)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Fault::of_io(error)),
        };
        lock(&mut file, false)?;
        Ok(Some(Self { file, left: None }))
    }

    /// Notes that the journal was closed.
    pub(super) fn leave(mut self, left: &Left) -> io::Result<()> {
        self.write(Some(left))?;
        self.file.sync_data()
    }

    fn write(&mut self, left: Option<&Left>) -> io::Result<()> {
        let mut text = format!("pid {}\n", process::id());
        if let Ok(program) = std::env::current_exe() {
            let _ = writeln!(text, "program {}", program.display());
        }
        if let Some(Left { token, stamp }) = left {
            let _ = writeln!(text, "closed {} {}", hex(token), hex(stamp));
        }
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

#[expect(clippy::incompatible_msrv, reason = "the feature needs Rust 1.90")]
fn lock(file: &mut File, exclusive: bool) -> Result<(), Fault> {
    match if exclusive { file.try_lock() } else { file.try_lock_shared() } {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let text = text(file);
            let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
            let pid = field("pid ").and_then(|pid| pid.parse().ok());
            Err(Fault::InUse { pid, program: field("program ").map(str::to_owned) })
        }
        Err(TryLockError::Error(error)) => Err(Fault::of_io(error)),
    }
}

/// A few lines at most.
fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(8192).read_to_end(&mut bytes));
    read.map_or_else(|_| String::new(), |_| String::from_utf8_lossy(&bytes).into_owned())
}

impl Left {
    fn read(text: &str) -> Option<Self> {
        let words = text.lines().find_map(|line| line.strip_prefix("closed "))?;
        let (token, stamp) = words.split_once(' ')?;
        Some(Self { token: unhex(token)?, stamp: unhex(stamp)? })
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(out)
}
