//! The memory limits of the process's control groups.

use std::path::{Path, PathBuf};

use super::{
    file::{SMALL, number_of, read},
    hierarchy::{Found, Hierarchy, OwnCgroup},
    sample::{MemoryGauge, MemoryReadError, MemorySample, MemorySampler},
};

/// The maximum number of nested control groups visited: more than any system nests.
const DEPTH: usize = 64;
/// Version 1 represents "no limit" by a number a little below 2^63, which depends on the page size.
const NO_LIMIT: u64 = 1 << 62;

/// The memory limits of the process's control group and of all above it: the fullest one counts. Reads both versions of control
/// groups, also side by side.
///
/// The limit is the lower of `memory.max` and `memory.high`, because beyond the latter the kernel throttles the process; in
/// version 1 it is `memory.limit_in_bytes`. In use is `memory.current` (`memory.usage_in_bytes`) minus what the kernel reclaims
/// under pressure: the file cache, `active_file` and `inactive_file`, except for pages that must be written to disk first, and
/// `slab_reclaimable`. Shared memory (`shmem`) is not cache. Without a limit, without control groups, and on systems other than
/// Linux, there is nothing to sample.
///
/// The files of a group are not trusted: they are read up to a limit, and one that makes no sense is a
/// [`MemoryReadError`].
#[derive(Debug)]
pub struct CgroupMemory {
    own: [OwnCgroup; 2],
}

impl CgroupMemory {
    /// For this process.
    #[must_use]
    pub fn new() -> Self {
        Self::at("/")
    }

    /// For `proc` and `sys` mounted under a folder other than `/`, as in a container that sees its host's.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { own: [OwnCgroup::at(&root, Hierarchy::Unified), OwnCgroup::at(root, Hierarchy::Legacy)] }
    }
}

impl Default for CgroupMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl MemorySampler for CgroupMemory {
    fn gauge(&self) -> MemoryGauge {
        MemoryGauge::Cgroup
    }

    fn sample(&mut self) -> Result<Option<MemorySample>, MemoryReadError> {
        let [unified, legacy] = &mut self.own;
        let mut fullest: Option<MemorySample> = None;
        for (own, read_group) in [(unified, unified_group as ReadGroup), (legacy, legacy_group)] {
            let Some(Found { top, own }) = own.find()? else { continue };
            let upwards = own.ancestors().take_while(|group| group.starts_with(&top));
            for group in upwards.take(DEPTH) {
                if let Some(sample) = read_group(group)? {
                    fullest = fullest.filter(|other| other.fraction() >= sample.fraction()).or(Some(sample));
                }
            }
        }
        Ok(fullest)
    }
}

/// Reads one group. Returns `None` if it has no limit or is gone.
type ReadGroup = fn(&Path) -> Result<Option<MemorySample>, MemoryReadError>;

fn unified_group(group: &Path) -> Result<Option<MemorySample>, MemoryReadError> {
    let limits = [limit(&group.join("memory.max"))?, limit(&group.join("memory.high"))?];
    let Some(limit) = limits.into_iter().flatten().min() else { return Ok(None) };
    let Some(current) = number(group.join("memory.current"), "number")? else { return Ok(None) };
    let file = group.join("memory.stat");
    let reclaimable = match read(&file, SMALL)? {
        Some(text) => Stat { file, text }.reclaimable(&UNIFIED_KEYS)?,
        None => 0,
    };
    Ok(Some(in_use(current, reclaimable, limit)))
}

fn legacy_group(group: &Path) -> Result<Option<MemorySample>, MemoryReadError> {
    let limit = number(group.join("memory.limit_in_bytes"), "number")?;
    let Some(limit) = limit.filter(|limit| *limit < NO_LIMIT) else { return Ok(None) };
    let Some(usage) = number(group.join("memory.usage_in_bytes"), "number")? else { return Ok(None) };
    let file = group.join("memory.stat");
    let reclaimable = match read(&file, SMALL)? {
        Some(text) => Stat { file, text }.reclaimable(&LEGACY_KEYS)?,
        None => 0,
    };
    Ok(Some(in_use(usage, reclaimable, limit)))
}

fn in_use(current: u64, reclaimable: u64, limit: u64) -> MemorySample {
    // Any usage exceeds a limit of zero.
    MemorySample { used: current.saturating_sub(reclaimable), total: limit.max(1) }
}

/// The keys in `memory.stat` of the figures that include all groups below.
struct Keys {
    /// Every kernel writes this one.
    inactive_file: &'static str,
    active_file: &'static str,
    /// The part of the file cache that must be written first, and the part being written.
    unwritten: [&'static str; 2],
    slab: Option<&'static str>,
}

const UNIFIED_KEYS: Keys = Keys {
    inactive_file: "inactive_file",
    active_file: "active_file",
    unwritten: ["file_dirty", "file_writeback"],
    slab: Some("slab_reclaimable"),
};

/// Without the prefix the figures would cover this group only, while its usage includes the groups below.
const LEGACY_KEYS: Keys = Keys {
    inactive_file: "total_inactive_file",
    active_file: "total_active_file",
    unwritten: ["total_dirty", "total_writeback"],
    slab: None,
};

/// A group's `memory.stat`.
struct Stat {
    file: PathBuf,
    text: String,
}

impl Stat {
    /// The bytes that the kernel reclaims under pressure.
    fn reclaimable(self, keys: &Keys) -> Result<u64, MemoryReadError> {
        let inactive = self.get(keys.inactive_file)?;
        let inactive = inactive.ok_or_else(|| malformed(&self.file, keys.inactive_file))?;
        let cache = inactive.saturating_add(self.get(keys.active_file)?.unwrap_or(0));
        let mut unwritten: u64 = 0;
        for key in keys.unwritten {
            unwritten = unwritten.saturating_add(self.get(key)?.unwrap_or(0));
        }
        let slab = match keys.slab {
            Some(key) => self.get(key)?.unwrap_or(0),
            None => 0,
        };
        Ok(cache.saturating_sub(unwritten).saturating_add(slab))
    }

    /// Returns `None` if the kernel does not write this figure: older ones write fewer.
    fn get(&self, key: &'static str) -> Result<Option<u64>, MemoryReadError> {
        match number_of(&self.text, key) {
            Some(number) => Ok(Some(number)),
            None if has_key(&self.text, key) => Err(malformed(&self.file, key)),
            None => Ok(None),
        }
    }
}

fn has_key(text: &str, key: &str) -> bool {
    text.lines().any(|line| line.split_ascii_whitespace().next() == Some(key))
}

/// In bytes; `None` means no limit.
fn limit(file: &Path) -> Result<Option<u64>, MemoryReadError> {
    let Some(text) = read(file, SMALL)? else { return Ok(None) };
    match text.trim() {
        "max" => Ok(None),
        number => number.parse().map(Some).map_err(|_| malformed(file, "number or `max`")),
    }
}

/// Returns `None` if there is no such file.
fn number(file: PathBuf, missing: &'static str) -> Result<Option<u64>, MemoryReadError> {
    let Some(text) = read(&file, SMALL)? else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| malformed(file, missing))
}

fn malformed(file: impl Into<PathBuf>, missing: &'static str) -> MemoryReadError {
    MemoryReadError::Malformed { file: file.into(), missing }
}
