//! A snapshot on its way, off the heap: a file without a name, beside the trust store.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Mutex,
};

use crate::workers::lock::lock;

/// What is shorter stays in memory.
const IN_MEMORY: usize = 1 << 20;

/// Bytes that are written once, from the front, and then read.
#[derive(Debug)]
pub(super) struct Spool {
    /// Where its file is to be, if it needs one.
    path: PathBuf,
    memory: Vec<u8>,
    /// With all that there is.
    file: Option<Mutex<File>>,
    length: u64,
}

impl Spool {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, memory: Vec::new(), file: None, length: 0 }
    }

    /// It blocks, where the bytes are on disk.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() && self.memory.len() + bytes.len() > IN_MEMORY {
            let mut file = nameless(&self.path)?;
            file.write_all(&self.memory)?;
            (self.memory, self.file) = (Vec::new(), Some(Mutex::new(file)));
        }
        match &mut self.file {
            None => self.memory.extend_from_slice(bytes),
            Some(file) => lock(file).write_all(bytes)?,
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Whether reading it blocks.
    pub(super) fn is_on_disk(&self) -> bool {
        self.file.is_some()
    }

    /// So many bytes from there on, or those that are left.
    pub(super) fn read(&self, offset: u64, most: usize) -> io::Result<Vec<u8>> {
        let left = self.length.saturating_sub(offset);
        let length = most.min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(file) = &self.file else {
            let from = usize::try_from(offset).map_or(self.memory.len(), |from| from.min(self.memory.len()));
            return Ok(self.memory[from..from + length].to_vec());
        };
        let mut file = lock(file);
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// A file that no other user opens, and that is gone with its handle; where the system keeps the names of open files, with the process's next one.
fn nameless(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    fs::remove_file(path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In any pieces, and wherever it is read: the same, in memory as on disk; and no name is left.
    #[test]
    fn what_was_written_is_read_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 5, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY + 7] {
            let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let mut spool = Spool::new(folder.path().join("snapshot"));
            for piece in bytes.chunks(100_003) {
                spool.push(piece).unwrap();
            }
            assert_eq!(spool.is_on_disk(), length > IN_MEMORY);
            for (offset, most) in
                [(0, length), (3, 70_000), (length, 9), (length + 5, 9), (length / 2, usize::MAX)]
            {
                let expected = &bytes[offset.min(length)..][..most.min(length - offset.min(length))];
                assert!(spool.read(offset as u64, most).unwrap() == expected, "{length}: {most} at {offset}");
            }
            #[cfg(unix)]
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        // No room for it, and no folder.
        let mut spool = Spool::new(folder.path().join("nowhere").join("snapshot"));
        spool.push(&vec![7; IN_MEMORY]).unwrap();
        assert!(spool.push(&[7]).is_err());
    }
}
