//! Reads the mods folder. Blocking; nothing in the folder is trusted, and nothing is read before its size is known.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, Metadata},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{error::ModError, limits::ModLimits, manifest::ModManifest, text::plain, wasm::Code};

/// The manifest of a mod that is a folder.
const MANIFEST: &str = "mod.toml";
/// Bytes of a manifest at most.
const MANIFEST_BYTES: u64 = 64 << 10;
/// Names that are looked at in the mods folder, whatever they are, and besides so many for each mod that the host takes.
const NAMES: usize = 4_096;
const NAMES_PER_MOD: usize = 16;
/// How often a file is read that changes while it is.
const ATTEMPTS: u32 = 3;

/// What the host takes.
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
    /// Differs when the content does.
    pub(super) print: u64,
}

/// What the files looked like when they were read, so that they need not be read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    manifest: Stamp,
    entry: PathBuf,
    module: Stamp,
}

/// What was found for one mod.
#[derive(Debug)]
pub(super) enum Reading {
    /// As it was seen before.
    Unchanged,
    Read(Files, Seen),
    Failed(ModError),
}

/// What was found in the folder.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// By the name of the mod's folder or manifest.
    pub(super) mods: BTreeMap<String, Reading>,
    /// What is wrong with the folder itself. What was loaded from it stays.
    pub(super) trouble: Option<ModError>,
}

/// Reads the folder. A mod that was `seen` before and looks the same is not read again. A folder that does not exist
/// holds no mods.
pub(super) fn scan(folder: &Path, bounds: &Bounds, seen: &BTreeMap<String, Option<Seen>>) -> Scan {
    let names = bounds.mods.saturating_mul(NAMES_PER_MOD).saturating_add(NAMES);
    scan_names(folder, bounds, seen, names)
}

fn scan_names(folder: &Path, bounds: &Bounds, seen: &BTreeMap<String, Option<Seen>>, most: usize) -> Scan {
    let trouble =
        |error: &io::Error| Scan { trouble: Some(unreadable("the mods folder", error)), ..Scan::default() };
    let root = match fs::canonicalize(folder) {
        Ok(root) => root,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Scan::default(),
        Err(error) => return trouble(&error),
    };
    let Names { listed, all } = match names(&root, most) {
        Ok(names) => names,
        Err(error) => return trouble(&error),
    };
    let mut scan = Scan::default();
    // Those that are known come first: newcomers cannot push them out. Where not all names were listed, they are looked
    // for each by its own.
    let known = seen.keys().filter(|name| !all || listed.contains(*name));
    let new = listed.iter().filter(|name| !seen.contains_key(*name));
    for name in known.chain(new) {
        let Some(place) = Place::of(&root, name) else { continue };
        if scan.mods.len() == bounds.mods {
            scan.trouble = Some(ModError::TooMany { most: bounds.mods });
            return scan;
        }
        let seen = seen.get(name).and_then(Option::as_ref);
        let reading = match seen.filter(|seen| seen.is_current(&place)) {
            Some(_) => Reading::Unchanged,
            None => match place.and_then(|place| place.read(&root, bounds)) {
                Ok((files, seen)) => Reading::Read(files, seen),
                Err(error) => Reading::Failed(error),
            },
        };
        scan.mods.insert(name.clone(), reading);
    }
    scan.trouble = (!all).then_some(ModError::TooManyNames { most });
    scan
}

/// The folders of the mods: what is to be watched besides the mods folder itself. Bounded.
pub(super) fn folders(folder: &Path, scan: &Scan) -> Vec<PathBuf> {
    scan.mods.keys().map(|name| folder.join(name)).filter(|path| is_folder(path)).collect()
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// What the folder holds that may be a mod.
struct Names {
    listed: BTreeSet<String>,
    /// Whether all of the folder was looked at.
    all: bool,
}

/// The names in the folder that may be mods, sorted; so many names are looked at.
fn names(root: &Path, most: usize) -> io::Result<Names> {
    let mut names = Names { listed: BTreeSet::new(), all: true };
    for (index, entry) in fs::read_dir(root)?.enumerate() {
        if index == most {
            names.all = false;
            break;
        }
        let entry = entry?;
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'));
        // The listing itself says what a name is, on most systems: a file that is no manifest costs nothing more.
        let is_other_file =
            |name: &String| !is_manifest(name) && entry.file_type().is_ok_and(|kind| kind.is_file());
        names.listed.extend(name.filter(|name| !is_other_file(name)));
    }
    Ok(names)
}

/// Whether a file of this name is a mod's manifest.
fn is_manifest(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// Where a mod lies.
struct Place {
    /// The folder that its entry is relative to.
    base: PathBuf,
    manifest: PathBuf,
    /// What its manifest is called in messages.
    called: String,
}

impl Place {
    /// `None` for what is no mod: a file that is not called `….toml`. An error where one is to be told.
    fn of(root: &Path, name: &str) -> Option<Result<Self, ModError>> {
        let path = root.join(name);
        let kind = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.file_type(),
            // Gone since the folder was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return Some(Err(unreadable(&plain(name), &error))),
        };
        if kind.is_symlink() {
            return Some(Err(ModError::Outside { what: plain(name) }));
        }
        if kind.is_dir() {
            let manifest = path.join(MANIFEST);
            let called = format!("{}/{MANIFEST}", plain(name));
            return Some(Ok(Self { base: path, manifest, called }));
        }
        is_manifest(name).then(|| Ok(Self { base: root.to_owned(), manifest: path, called: plain(name) }))
    }

    fn read(self, root: &Path, bounds: &Bounds) -> Result<(Files, Seen), ModError> {
        let (text, manifest_stamp) = read(root, &self.manifest, &self.called, MANIFEST_BYTES)?;
        let text = std::str::from_utf8(&text)
            .map_err(|_| ModError::Manifest { line: None, problem: "it is not UTF-8 text".to_owned() })?;
        let manifest = ModManifest::parse(text, &bounds.limits)?;
        let entry = self.base.join(manifest.entry());
        let called = plain(manifest.entry());
        let (module, module_stamp) = read(root, &entry, &called, bounds.module_bytes)?;
        let is_text = entry.extension().is_some_and(|extension| extension == "wat");
        let mut hasher = DefaultHasher::new();
        (text, &module, is_text).hash(&mut hasher);
        let code = if is_text { Code::Text(module) } else { Code::Binary(module) };
        let seen = Seen { manifest: manifest_stamp, entry, module: module_stamp };
        Ok((Files { manifest: Arc::new(manifest), code, print: hasher.finish() }, seen))
    }
}

impl Seen {
    fn is_current(&self, place: &Result<Place, ModError>) -> bool {
        let now = |path: &Path| fs::symlink_metadata(path).ok().map(|metadata| Stamp::of(&metadata));
        place.as_ref().is_ok_and(|place| {
            now(&place.manifest).as_ref() == Some(&self.manifest)
                && now(&self.entry).as_ref() == Some(&self.module)
        })
    }
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    file: Option<(u64, u64)>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.len(), modified: metadata.modified().ok(), file: identity(metadata) }
    }
}

/// Device and inode, where there are such.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// Reads a file that lies within `root`, of at most so many bytes, and unchanged from beginning to end.
fn read(root: &Path, path: &Path, called: &str, most: u64) -> Result<(Vec<u8>, Stamp), ModError> {
    for _ in 0..ATTEMPTS {
        if let Some(read) = read_once(root, path, called, most)? {
            return Ok(read);
        }
    }
    Err(ModError::Changing { what: called.to_owned() })
}

/// `None` if the file changed meanwhile.
fn read_once(
    root: &Path,
    path: &Path,
    called: &str,
    most: u64,
) -> Result<Option<(Vec<u8>, Stamp)>, ModError> {
    let what = || called.to_owned();
    let told = |error: io::Error| unreadable(called, &error);
    let before = fs::symlink_metadata(path).map_err(told)?;
    if before.is_symlink() {
        return Err(ModError::Outside { what: what() });
    }
    // Opening a pipe would wait for somebody to write.
    if !before.is_file() {
        return Err(ModError::NotAFile { what: what() });
    }
    // Also the folders on the way: none of them may be a link that leads out.
    if !fs::canonicalize(path).map_err(told)?.starts_with(root) {
        return Err(ModError::Outside { what: what() });
    }
    let too_large = |bytes| ModError::TooLarge { what: what(), bytes, most };
    if before.len() > most {
        return Err(too_large(before.len()));
    }
    let file = File::open(path).map_err(told)?;
    let stamp = Stamp::of(&file.metadata().map_err(told)?);
    // Another file took its place between the look and the opening.
    if stamp != Stamp::of(&before) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    (&file).take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > most {
        return Err(too_large(bytes.len() as u64));
    }
    let after = Stamp::of(&file.metadata().map_err(told)?);
    // By its name too: it may have been replaced while the old one was read.
    let by_name = fs::symlink_metadata(path).map(|metadata| Stamp::of(&metadata));
    let unchanged =
        after == stamp && by_name.is_ok_and(|now| now == stamp) && bytes.len() as u64 == stamp.length;
    Ok(unchanged.then_some((bytes, stamp)))
}

fn unreadable(what: &str, error: &io::Error) -> ModError {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => plain(&error.to_string()),
    };
    ModError::Unreadable { what: what.to_owned(), why }
}

#[cfg(test)]
mod tests;
