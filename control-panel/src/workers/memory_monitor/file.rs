//! Small files that a kernel should have written, and perhaps did not.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use super::sample::MemoryReadError;

/// Far more than any of these files has, the list of mounts apart.
pub(super) const SMALL: u64 = 64 << 10;

/// The list of mounts is long where there are many containers: 100,000 of them, which is the most that Linux takes, may
/// have a page of options each. It is read line by line, and not beyond what is looked for.
const LIST: u64 = 512 << 20;
/// Bytes of a line of it.
const LINE: u64 = 1 << 20;

/// The text of a file of at most `limit` bytes; `None` where there is none. Bytes that are no UTF-8 are replaced: names
/// of other mounts and groups may have any.
pub(super) fn read(file: &Path, limit: u64) -> Result<Option<String>, MemoryReadError> {
    let mut bytes = Vec::new();
    // One byte beyond the limit tells that there is more.
    let read = File::open(file).and_then(|open| open.take(limit + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > limit => Err(MemoryReadError::TooLong { file: file.into(), limit }),
        Ok(_) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) => unreadable(file, &error),
    }
}

/// What `find` finds first in a line of a file that may be long; `None` also where there is no such file.
pub(super) fn find_line<T>(
    file: &Path,
    mut find: impl FnMut(&str) -> Option<T>,
) -> Result<Option<T>, MemoryReadError> {
    let mut open = match File::open(file) {
        Ok(open) => BufReader::new(open.take(LIST)),
        Err(error) => return unreadable(file, &error),
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut open).take(LINE).read_until(b'\n', &mut line) {
            Ok(0) if open.get_ref().limit() == 0 => {
                return Err(MemoryReadError::TooLong { file: file.into(), limit: LIST });
            }
            Ok(0) => return Ok(None),
            Ok(_) if line.len() as u64 == LINE => {
                return Err(MemoryReadError::TooLong { file: file.into(), limit: LINE });
            }
            Ok(_) => {}
            Err(error) => return unreadable(file, &error),
        }
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        if let Some(found) = find(&text) {
            return Ok(Some(found));
        }
    }
}

/// What is not there is nothing; everything else is an error.
fn unreadable<T>(file: &Path, error: &io::Error) -> Result<Option<T>, MemoryReadError> {
    match error.kind() {
        // The last is a kernel that was told not to measure this.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::Unsupported => Ok(None),
        _ if is_gone(error) => Ok(None),
        kind => Err(MemoryReadError::Unreadable { file: file.into(), kind }),
    }
}

/// Linux tells so of a control group's file when the group was removed while it was read (`ENODEV`).
fn is_gone(error: &io::Error) -> bool {
    cfg!(target_os = "linux") && error.raw_os_error() == Some(19)
}

/// The number behind `key` on a line of its own, as in `memory.stat` and `/proc/self/status`.
pub(super) fn number_of(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix([' ', '\t', ':']))?;
    line.trim_start().split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_by_its_whole_key() {
        let text = "anon 1\ninactive_file 22\ninactive_file_x 33\nVmSize:\t  44 kB\nbad x\nempty\n";
        assert_eq!(number_of(text, "inactive_file"), Some(22));
        assert_eq!(number_of(text, "VmSize"), Some(44));
        for absent in ["bad", "empty", "none", "inactive"] {
            assert_eq!(number_of(text, absent), None, "{absent}");
        }
        assert_eq!(number_of("big 18446744073709551616", "big"), None);
    }
}
