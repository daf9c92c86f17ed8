//! Reads the mods folder. Blocking; nothing in the folder is trusted, and nothing is read before its size is known.

mod place;
#[cfg(any(not(unix), test))]
mod portable;
mod read;
#[cfg(unix)]
mod unix;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fmt::Write,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

#[cfg(not(unix))]
use self::portable::{Folder, is_a_link, opened};
#[cfg(unix)]
use self::unix::{Folder, is_a_link, opened};
use self::{place::Found, read::unreadable};
use super::{
    error::ModError, limits::ModLimits, manifest::ModManifest, status::ModFolderWatch, text::plain,
    wasm::Code,
};

/// How many names in the mods folder are examined, whatever they are, in addition to this many per mod that the host accepts.
const NAMES: usize = 4_096;
const NAMES_PER_MOD: usize = 16;
/// How many folders without a manifest and links are reported; they take no mod's place.
const OTHERS: usize = 64;
/// A file changed less than this many seconds before it was read may change again and look the same, because some file systems
/// count time in steps of two seconds. It is read again.
const COARSEST: i128 = 3;

/// What the host accepts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) mods: usize,
    pub(super) module_bytes: u64,
    pub(super) limits: ModLimits,
}

/// A mod as it was read.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) manifest: Arc<ModManifest>,
    pub(super) code: Code,
    /// Differs if the content differs.
    pub(super) print: u64,
}

/// What a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, socket or device.
    Other,
}

/// Distinguishes states of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stamp {
    length: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i128, i128),
    /// When anything of it last changed, by the system's clock, which a program cannot set.
    changed: (i128, i128),
    /// Which file it is: device and inode number, if the system has them.
    file: (i128, i128),
}

impl Stamp {
    /// Returns whether a change after a read at this second would produce another stamp.
    fn is_settled(&self, read: i128) -> bool {
        self.changed.0 + COARSEST <= read
    }
}

/// The stamps of the files when they were read, so that they need not be read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    manifest: Stamp,
    entry: PathBuf,
    module: Stamp,
}

/// What is known of a mod before a look.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// While the files look like this, they need not be read again.
    pub(super) seen: Option<Box<Seen>>,
    pub(super) runs: bool,
}

/// The result for one mod.
#[derive(Debug)]
pub(super) enum Reading {
    /// Unchanged.
    Unchanged,
    /// Without the stamps if they are too recent to identify the content.
    Read(Files, Option<Box<Seen>>),
    /// With the manifest, if it could be read.
    Failed(ModError, Option<Arc<ModManifest>>),
}

/// The result of a look at the folder.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// By the name of the mod's folder or manifest.
    pub(super) mods: BTreeMap<String, Reading>,
    /// What is wrong with the folder itself. Mods loaded from it stay.
    pub(super) trouble: Option<ModError>,
    /// The folders in it whose changes concern these mods. Bounded.
    pub(super) folders: Vec<PathBuf>,
    /// How changes are noticed from now on, if known.
    pub(super) watch: Option<ModFolderWatch>,
}

/// Reads the folder. A known mod that looks the same is not read again. A folder that does not exist holds no mods.
pub(super) fn scan(folder: &Path, bounds: &Bounds, known: &BTreeMap<String, Known>) -> Scan {
    let names = bounds.mods.saturating_mul(NAMES_PER_MOD).saturating_add(NAMES);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    scan_at(folder, bounds, known, names, now.map_or(0, |now| i128::from(now.as_secs())))
}

/// The same with this limit of names, at this second.
fn scan_at(folder: &Path, bounds: &Bounds, known: &BTreeMap<String, Known>, most: usize, now: i128) -> Scan {
    let trouble =
        |error: &io::Error| Scan { trouble: Some(unreadable("the mods folder", error)), ..Scan::default() };
    let root = match Folder::open(folder) {
        Ok(root) => root,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Scan::default(),
        Err(error) => return trouble(&error),
    };
    let Names { listed, unnamed, all } = match names(&root, most) {
        Ok(names) => names,
        Err(error) => return trouble(&error),
    };
    let mut scan = Scan::default();
    // Known mods come first, and of these the running ones: newcomers cannot displace them. If not all names were listed, known
    // mods are looked up individually.
    let still = |runs: bool| {
        let known = known.iter().filter(move |(_, known)| known.runs == runs).map(|(name, _)| name);
        known.filter(|name| !all || listed.contains(*name))
    };
    let new = listed.iter().filter(|name| !known.contains_key(*name));
    let (mut places, mut others) = (0, 0);
    for name in still(true).chain(still(false)).chain(new) {
        let found = Found::of(&root, name.as_ref());
        let known = known.get(name);
        let counts = matches!(found, Found::Mod(_)) || known.is_some_and(|known| known.runs);
        match &found {
            Found::Nothing => continue,
            _ if counts && places == bounds.mods => {
                scan.trouble = Some(ModError::TooMany { most: bounds.mods });
                continue;
            }
            _ if !counts && others == OTHERS => {
                scan.trouble.get_or_insert(ModError::TooManyOthers { most: OTHERS });
                continue;
            }
            _ if counts => places += 1,
            _ => others += 1,
        }
        let reading = match found {
            Found::Nothing => continue,
            Found::Refused(error) => Reading::Failed(error, None),
            Found::Mod(place) => {
                let seen = known.and_then(|known| known.seen.as_ref());
                if seen.is_some_and(|seen| seen.is_current(&place)) {
                    Reading::Unchanged
                } else {
                    let is_published = place.is_published();
                    let again = |reading: Reading| match Found::of(&root, name.as_ref()) {
                        Found::Mod(place) if is_published => place.read(bounds, now),
                        _ => reading,
                    };
                    match place.read(bounds, now) {
                        // Another version was published, and this one removed during the read.
                        failed @ Reading::Failed(..) => again(failed),
                        read => read,
                    }
                }
            }
        };
        scan.folders.extend(folders(folder, name, &reading, known));
        scan.mods.insert(name.clone(), reading);
    }
    if unnamed.len() > OTHERS {
        scan.trouble.get_or_insert(ModError::TooManyOthers { most: OTHERS });
    }
    for name in unnamed.into_iter().take(OTHERS) {
        let why = "its name is not UTF-8: rename it".to_owned();
        let refused = Reading::Failed(ModError::Unreadable { what: plain(&name), why }, None);
        scan.mods.entry(name).or_insert(refused);
    }
    if !all {
        scan.trouble.get_or_insert(ModError::TooManyNames { most });
    }
    scan
}

/// The folders that hold a mod's files, or where its manifest may appear.
fn folders(folder: &Path, name: &str, reading: &Reading, known: Option<&Known>) -> Vec<PathBuf> {
    let entry = match reading {
        Reading::Unchanged => known.and_then(|known| known.seen.as_ref()).map(|seen| seen.entry.as_path()),
        Reading::Read(files, _) => Some(Path::new(files.manifest.entry())),
        Reading::Failed(_, manifest) => manifest.as_ref().map(|manifest| Path::new(manifest.entry())),
    };
    let below = entry.and_then(Path::parent).filter(|below| !below.as_os_str().is_empty());
    let is_link = matches!(reading, Reading::Failed(ModError::Outside { .. }, None));
    let base = if is_manifest(name.as_ref()) { folder.to_owned() } else { folder.join(name) };
    let below = below.map(|below| base.join(below));
    let base = Some(base).filter(|base| !is_link && base != folder);
    base.into_iter().chain(below).collect()
}

/// The entries of the folder that may be mods.
struct Names {
    listed: BTreeSet<String>,
    /// Those that are not UTF-8, escaped.
    unnamed: BTreeSet<String>,
    /// Whether the whole folder was listed.
    all: bool,
}

/// Returns the names in the folder that may be mods, sorted; examines at most this many names.
fn names(root: &Folder, most: usize) -> io::Result<Names> {
    let mut names = Names { listed: BTreeSet::new(), unnamed: BTreeSet::new(), all: true };
    for (index, entry) in root.names()?.enumerate() {
        if index == most {
            names.all = false;
            break;
        }
        let (name, kind) = entry?;
        // On most systems the listing itself gives the type of an entry, so a file that is not a manifest costs nothing more.
        let is_other_file = kind == Some(Kind::File) && !is_manifest(&name);
        if name.as_encoded_bytes().starts_with(b".") || is_other_file {
            continue;
        }
        match name.into_string() {
            Ok(name) => drop(names.listed.insert(name)),
            Err(name) if !matches!(Found::of(root, &name), Found::Nothing) => {
                names.unnamed.insert(escaped(&name));
            }
            Err(_) => {}
        }
    }
    Ok(names)
}

/// Returns whether a file of this name is a mod's manifest.
fn is_manifest(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// A name that is not UTF-8, with its invalid bytes escaped.
fn escaped(name: &OsString) -> String {
    let mut escaped = String::new();
    for part in name.as_encoded_bytes().utf8_chunks() {
        escaped.push_str(part.valid());
        for byte in part.invalid() {
            write!(escaped, "\\x{byte:02x}").ok();
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
