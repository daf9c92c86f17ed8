//! Bounded reads of small kernel files that may be missing.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use super::sample::MemoryReadError;

/// Far larger than any of these files, except the list of mounts.
pub(super) const SMALL: u64 = 64 << 10;

/// The list of mounts is long if there are many containers: it may have 100,000 entries, the most that Linux allows, with a
/// page of options each. It is read line by line, and no further than needed.
const LIST: u64 = 512 << 20;
/// The maximum bytes of a line in it.
const LINE: u64 = 1 << 20;

/// Reads the text of a file of at most `limit` bytes; `None` if there is none. Bytes that are not UTF-8 are replaced: names of
/// other mounts and groups may contain any.
pub(super) fn read(file: &Path, limit: u64) -> Result<Option<String>, MemoryReadError> {
    let mut bytes = Vec::new();
    // One byte beyond the limit reveals that there is more.
    let read = File::open(file).and_then(|open| open.take(limit + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > limit => Err(MemoryReadError::TooLong { file: file.into(), limit }),
        Ok(_) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) => unreadable(file, &error),
    }
}

/// Returns the first match of `find` in the lines of a file that may be long; `None` also if there is no such file.
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

/// A missing file is `None`; everything else is an error.
fn unreadable<T>(file: &Path, error: &io::Error) -> Result<Option<T>, MemoryReadError> {
    match error.kind() {
        // The last one is from a kernel that is configured not to measure this.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::Unsupported => Ok(None),
        _ if is_gone(error) => Ok(None),
        kind => Err(MemoryReadError::Unreadable { file: file.into(), kind }),
    }
}

/// Linux returns this error (`ENODEV`) for a control group's file if the group was removed during the read.
fn is_gone(error: &io::Error) -> bool {
    cfg!(target_os = "linux") && error.raw_os_error() == Some(19)
}

/// Finds the number after `key` on a line of its own, as in `memory.stat` and `/proc/self/status`.
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
