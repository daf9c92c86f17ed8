//! Locates the process's own control group, in either version of control groups.

use std::path::{Component, Path, PathBuf};

use super::{
    file::{SMALL, find_line, read},
    sample::MemoryReadError,
};

/// One of the two hierarchies. Many systems mount both, and limit memory in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hierarchy {
    /// Version 1, controller `memory`.
    Legacy,
    /// Version 2, which has only one.
    Unified,
}

/// Locates the process's own control group. The process may be moved, so its group is read each time; the mount stays.
#[derive(Debug)]
pub(super) struct OwnCgroup {
    root: PathBuf,
    hierarchy: Hierarchy,
    mount: Option<Mount>,
}

/// A mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    /// The group that is mounted.
    group: PathBuf,
    /// Where it is mounted.
    folder: PathBuf,
}

/// The folders of a process's group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The folder of the topmost visible group.
    pub(super) top: PathBuf,
    /// The folder of the process's own group, at or below it.
    pub(super) own: PathBuf,
}

impl OwnCgroup {
    pub(super) fn at(root: impl Into<PathBuf>, hierarchy: Hierarchy) -> Self {
        Self { root: root.into(), hierarchy, mount: None }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns `None` if the process is in no group of this hierarchy, or in one that is not visible.
    pub(super) fn find(&mut self) -> Result<Option<Found>, MemoryReadError> {
        let Some(text) = read(&self.root.join("proc/self/cgroup"), SMALL)? else { return Ok(None) };
        let Some(group) = text.lines().find_map(|line| self.hierarchy.group(line)) else { return Ok(None) };
        let group = Path::new(group);
        if !group.has_root() || group.components().any(|part| part == Component::ParentDir) {
            // A group outside of this process's namespace.
            return Ok(None);
        }
        if self.mount.is_none() {
            let file = self.root.join("proc/self/mountinfo");
            let mount =
                |line: &str| self.hierarchy.mount(line).filter(|mount| group.starts_with(&mount.group));
            self.mount = find_line(&file, mount)?;
        }
        let Some(mount) = &self.mount else { return Ok(None) };
        let Ok(inside) = group.strip_prefix(&mount.group) else { return Ok(None) };
        let top = self.root.join(mount.folder.strip_prefix("/").unwrap_or(&mount.folder));
        let own = top.join(inside);
        Ok(Some(Found { top, own }))
    }
}

impl Hierarchy {
    /// Parses a line of `/proc/self/cgroup`, `ID:CONTROLLERS:GROUP`; returns the group if it is of this hierarchy.
    fn group(self, line: &str) -> Option<&str> {
        let (id, rest) = line.split_once(':')?;
        let (controllers, group) = rest.split_once(':')?;
        let own = match self {
            Self::Legacy => has_memory(controllers),
            Self::Unified => id == "0" && controllers.is_empty(),
        };
        own.then_some(group)
    }

    /// Parses a line of `mountinfo`, if it is of this hierarchy: `36 35 0:31 ROOT MOUNT-POINT OPTIONS… - TYPE SOURCE OPTIONS`.
    fn mount(self, line: &str) -> Option<Mount> {
        let (mounted, filesystem) = line.split_once(" - ")?;
        let mut filesystem = filesystem.split(' ');
        let (kind, _source) = (filesystem.next()?, filesystem.next()?);
        let own = match self {
            Self::Legacy => kind == "cgroup" && has_memory(filesystem.next()?),
            Self::Unified => kind == "cgroup2",
        };
        if !own {
            return None;
        }
        let mut fields = mounted.split(' ').skip(3);
        let mut path =
            || fields.next().map(|field| PathBuf::from(unescaped(field))).filter(|path| path.has_root());
        let mount = Mount { group: path()?, folder: path()? };
        // Never leaves the mount point, whatever the file says.
        let parts = mount.group.components().chain(mount.folder.components());
        let plain = parts.into_iter().all(|part| part != Component::ParentDir);
        plain.then_some(mount)
    }
}

/// Returns whether `memory` is among the controllers or options.
fn has_memory(list: &str) -> bool {
    list.split(',').any(|item| item == "memory")
}

/// Decodes the escapes for characters that would split the line.
fn unescaped(field: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(field.to_owned(), |field, (escape, character)| field.replace(escape, character))
}

#[cfg(test)]
mod tests {
    use super::{Hierarchy::*, *};

    #[test]
    fn each_hierarchy_has_its_own_mounts() {
        let found = |of: Hierarchy, line| of.mount(line).map(|mount| (mount.group, mount.folder));
        let at = |group: &str, folder: &str| Some((PathBuf::from(group), PathBuf::from(folder)));
        let unified = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        assert_eq!(found(Unified, unified), at("/", "/sys/fs/cgroup/unified"));
        let with_space = "41 31 0:38 /a\\040b /sys/fs/cgroup rw shared:4 - cgroup2 none rw";
        assert_eq!(found(Unified, with_space), at("/a b", "/sys/fs/cgroup"));
        let legacy = "35 31 0:32 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
        assert_eq!(found(Legacy, legacy), at("/docker/1", "/sys/fs/cgroup/memory"));
        let together = "35 31 0:32 / /mnt rw - cgroup x rw,cpu,memory,freezer";
        assert_eq!(found(Legacy, together), at("/", "/mnt"));
        for other in [(Unified, legacy), (Legacy, unified), (Legacy, with_space)] {
            assert_eq!(found(other.0, other.1), None);
        }
        for nonsense in [
            "35 31 0:32 / /x rw - cgroup cgroup rw,memory_x",
            "35 31 0:32 / /x rw - cgroup cgroup",
            "35 31 0:32 / /x rw - cgroup2",
            "35 31 0:32 / - cgroup2 x rw",
            "35 31 0:32 relative /x rw - cgroup2 x rw",
            "35 31 0:32 / /x/../.. rw - cgroup2 x rw",
            "35 31 0:32 / /x/../.. rw - cgroup x rw,memory",
            "- cgroup2 ",
            "",
        ] {
            assert_eq!((found(Unified, nonsense), found(Legacy, nonsense)), (None, None), "{nonsense}");
        }
    }

    #[test]
    fn each_hierarchy_has_its_own_group() {
        assert_eq!(Unified.group("0::/a:b"), Some("/a:b"));
        assert_eq!(Legacy.group("4:cpu,memory:/a"), Some("/a"));
        for (of, line) in
            [(Unified, "4:memory:/a"), (Legacy, "0::/a"), (Legacy, "9:name=memory:/a"), (Legacy, "memory")]
        {
            assert_eq!(of.group(line), None, "{line}");
        }
    }
}
