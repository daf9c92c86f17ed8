//! The memory limits of the process's control groups (cgroup v2).

use std::path::{Component, Path, PathBuf};

use super::{
    file::{SMALL, number_of, read},
    sample::{MemoryGauge, MemoryReadError, MemorySample, MemorySampler},
};

/// The list of mounts is long where there are many containers.
const MOUNTS: u64 = 1 << 20;
/// Control groups on the way up, at most: more than any system nests.
const DEPTH: usize = 64;

/// The memory limits of the process's control group and of all above it (cgroup v2): the fullest counts.
///
/// The limit is the lower of `memory.max` and `memory.high`, for beyond the latter the kernel holds the process back.
/// In use is `memory.current` without `inactive_file`, the part of the file cache that is given up first: the working
/// set, as the kubelet and Docker count it. Without a limit, without cgroup v2 and on other systems than Linux there is
/// nothing to sample.
///
/// A group is never trusted to be what it says: its files are read to a limit, and one that makes no sense is a
/// [`MemoryReadError`].
#[derive(Debug, Default)]
pub struct CgroupMemory {
    own: OwnCgroup,
}

impl CgroupMemory {
    /// Of this process.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where `proc` and `sys` are mounted under another folder than `/`, as in a container that is shown its host's.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { own: OwnCgroup::at(root) }
    }
}

impl MemorySampler for CgroupMemory {
    fn gauge(&self) -> MemoryGauge {
        MemoryGauge::Cgroup
    }

    fn sample(&mut self) -> Result<Option<MemorySample>, MemoryReadError> {
        let Some((top, own)) = self.own.find()? else { return Ok(None) };
        let mut fullest: Option<MemorySample> = None;
        let upwards = own.ancestors().take_while(|group| group.starts_with(&top));
        for group in upwards.take(DEPTH) {
            if let Some(sample) = of(group)? {
                fullest = fullest.filter(|other| other.fraction() >= sample.fraction()).or(Some(sample));
            }
        }
        Ok(fullest)
    }
}

/// One group's; `None` without a limit, or when the group is gone.
fn of(group: &Path) -> Result<Option<MemorySample>, MemoryReadError> {
    let limits = [limit(&group.join("memory.max"))?, limit(&group.join("memory.high"))?];
    let Some(limit) = limits.into_iter().flatten().min() else { return Ok(None) };
    let file = group.join("memory.current");
    let Some(text) = read(&file, SMALL)? else { return Ok(None) };
    let current: u64 = text.trim().parse().map_err(|_| malformed(file, "number"))?;
    let file = group.join("memory.stat");
    let cache = match read(&file, SMALL)? {
        Some(text) => number_of(&text, "inactive_file").ok_or_else(|| malformed(file, "inactive_file"))?,
        None => 0,
    };
    // A limit of nothing is passed by anything.
    Ok(Some(MemorySample { used: current.saturating_sub(cache), total: limit.max(1) }))
}

/// In bytes; `None` is none.
fn limit(file: &Path) -> Result<Option<u64>, MemoryReadError> {
    let Some(text) = read(file, SMALL)? else { return Ok(None) };
    match text.trim() {
        "max" => Ok(None),
        number => number.parse().map(Some).map_err(|_| malformed(file, "number or `max`")),
    }
}

fn malformed(file: impl Into<PathBuf>, missing: &'static str) -> MemoryReadError {
    MemoryReadError::Malformed { file: file.into(), missing }
}

/// Where the process's own control group is found. The process may be moved, so it is asked each time; the mount stays.
#[derive(Debug)]
pub(super) struct OwnCgroup {
    root: PathBuf,
    mount: Option<Mount>,
}

/// A mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    /// The group that is mounted.
    group: PathBuf,
    /// Where it is.
    folder: PathBuf,
}

impl Default for OwnCgroup {
    fn default() -> Self {
        Self::at("/")
    }
}

impl OwnCgroup {
    pub(super) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), mount: None }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The folders of the uppermost group that can be seen, and of the process's own. `None` if it is in none.
    pub(super) fn find(&mut self) -> Result<Option<(PathBuf, PathBuf)>, MemoryReadError> {
        let Some(text) = read(&self.root.join("proc/self/cgroup"), SMALL)? else { return Ok(None) };
        let Some(group) = text.lines().find_map(|line| line.strip_prefix("0::")) else { return Ok(None) };
        let group = Path::new(group);
        if !group.has_root() || group.components().any(|part| part == Component::ParentDir) {
            // A group outside of what this process's namespace shows.
            return Ok(None);
        }
        if self.mount.is_none() {
            let text = read(&self.root.join("proc/self/mountinfo"), MOUNTS)?.unwrap_or_default();
            self.mount = text.lines().filter_map(mount).find(|mount| group.starts_with(&mount.group));
        }
        let Some(mount) = &self.mount else { return Ok(None) };
        let Ok(inside) = group.strip_prefix(&mount.group) else { return Ok(None) };
        let top = self.root.join(mount.folder.strip_prefix("/").unwrap_or(&mount.folder));
        let own = top.join(inside);
        Ok(Some((top, own)))
    }
}

/// A line of `mountinfo`, if it is about cgroup v2: `36 35 0:31 ROOT MOUNT-POINT OPTIONS… - TYPE SOURCE OPTIONS`.
fn mount(line: &str) -> Option<Mount> {
    let (mounted, filesystem) = line.split_once(" - ")?;
    if !filesystem.starts_with("cgroup2 ") {
        return None;
    }
    let mut fields = mounted.split(' ').skip(3);
    let mut path =
        || fields.next().map(|field| PathBuf::from(unescaped(field))).filter(|path| path.has_root());
    let mount = Mount { group: path()?, folder: path()? };
    // Never out of where it is mounted, whatever the file says.
    let parts = mount.group.components().chain(mount.folder.components());
    let plain = parts.into_iter().all(|part| part != Component::ParentDir);
    plain.then_some(mount)
}

/// Without the escapes for the characters that would split the line.
fn unescaped(field: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(field.to_owned(), |field, (escape, character)| field.replace(escape, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mounts_of_the_second_version_count() {
        let found = |line| mount(line).map(|mount| (mount.group, mount.folder));
        let of = |group: &str, folder: &str| Some((PathBuf::from(group), PathBuf::from(folder)));
        assert_eq!(
            found("41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw"),
            of("/", "/sys/fs/cgroup/unified")
        );
        assert_eq!(
            found("41 31 0:38 /a\\040b /sys/fs/cgroup rw shared:4 - cgroup2 none rw"),
            of("/a b", "/sys/fs/cgroup")
        );
        for other in [
            "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "35 31 0:32 / /x rw - cgroup2",
            "35 31 0:32 / - cgroup2 x rw",
            "35 31 0:32 relative /x rw - cgroup2 x rw",
            "35 31 0:32 / /x/../.. rw - cgroup2 x rw",
            "- cgroup2 ",
            "",
        ] {
            assert_eq!(found(other), None, "{other}");
        }
    }
}
