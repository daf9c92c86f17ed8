//! Resolves a name in the mods folder, and reads a mod from there.

use std::{
    ffi::OsStr,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Component, Path},
    sync::Arc,
};

use super::{
    super::{error::ModError, manifest::ModManifest, text::plain, wasm::Code},
    Bounds, Files, Folder, Kind, Reading, Seen, is_manifest,
    read::{read, stamp_of, unreadable},
};

/// The manifest of a mod that is a folder.
const MANIFEST: &str = "mod.toml";
/// The maximum size of a manifest in bytes.
const MANIFEST_BYTES: u64 = 64 << 10;

/// What a name refers to.
pub(super) enum Found<'r> {
    /// Not a mod: a file that is not called `….toml`, a link to one, or nothing any more.
    Nothing,
    /// Possibly intended as a mod, but not one: a folder without a manifest, a link.
    Refused(ModError),
    /// A mod, whether it can be read or not.
    Mod(Place<'r>),
}

/// Where a mod is.
pub(super) struct Place<'r> {
    base: Base<'r>,
    /// The manifest's name in the base.
    manifest: &'r OsStr,
    /// The manifest's name in messages.
    called: String,
}

/// The folder that a mod's entry is relative to.
enum Base<'r> {
    Root(&'r Folder),
    Own(Folder),
    /// Kubernetes exchanges it as a whole: see [`published`].
    Published(Folder),
}

impl<'r> Found<'r> {
    pub(super) fn of(root: &'r Folder, name: &'r OsStr) -> Self {
        let called = plain(&name.to_string_lossy());
        let kind = match root.look(name) {
            Ok((kind, _)) => kind,
            // Gone since the folder was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::Nothing,
            Err(error) => return Self::Refused(unreadable(&called, &error)),
        };
        match kind {
            Kind::Link | Kind::File | Kind::Other if is_manifest(name) => {
                Self::manifest(Base::Root(root), name, called)
            }
            // The link is examined but not followed: only a link to a folder can be intended as a mod. So can a dangling one,
            // unless it is named like a file.
            Kind::Link => match root.behind(name) {
                Ok(Kind::Folder) => Self::Refused(ModError::Outside { what: called }),
                Err(_) if Path::new(name).extension().is_none() => {
                    Self::Refused(ModError::Outside { what: called })
                }
                _ => Self::Nothing,
            },
            Kind::Folder => {
                let called = format!("{called}/{MANIFEST}");
                match root.folder(name) {
                    Ok(folder) => Self::manifest(Base::Own(folder), MANIFEST.as_ref(), called),
                    Err(error) => Self::Refused(unreadable(&called, &error)),
                }
            }
            Kind::File | Kind::Other => Self::Nothing,
        }
    }

    fn manifest(base: Base<'r>, manifest: &'r OsStr, called: String) -> Self {
        match base.folder().look(manifest) {
            Ok((Kind::Link, _)) => match published(base.folder(), manifest) {
                Some(folder) => Self::Mod(Place { base: Base::Published(folder), manifest, called }),
                None => Self::Refused(ModError::Outside { what: called }),
            },
            Ok((Kind::File, _)) => Self::Mod(Place { base, manifest, called }),
            Ok((Kind::Folder | Kind::Other, _)) => Self::Refused(ModError::NotAFile { what: called }),
            Err(error) => Self::Refused(unreadable(&called, &error)),
        }
    }
}

/// The only kind of link that is followed: Kubernetes mounts a `ConfigMap` or `Secret` as `NAME -> ..data/NAME` with `..data ->
/// ..VERSION`, a folder beside it, and exchanges `..data`. None of these leads out of the folder, and both files of a mod are
/// read from one version.
fn published(folder: &Folder, name: &OsStr) -> Option<Folder> {
    const DATA: &str = "..data";
    if folder.link(name)? != Path::new(DATA).join(name) {
        return None;
    }
    let version = folder.link(DATA.as_ref())?;
    let mut parts = version.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(version)), None) if version.as_encoded_bytes().starts_with(b"..") => {
            folder.folder(version).ok()
        }
        _ => None,
    }
}

impl Base<'_> {
    fn folder(&self) -> &Folder {
        match self {
            Self::Root(folder) => folder,
            Self::Own(folder) | Self::Published(folder) => folder,
        }
    }
}

impl Place<'_> {
    /// Reads a mod; `now` is the current second.
    pub(super) fn read(self, bounds: &Bounds, now: i128) -> Reading {
        let (text, manifest_stamp) =
            match read(self.base.folder(), self.manifest.as_ref(), &self.called, MANIFEST_BYTES) {
                Ok(read) => read,
                Err(error) => return Reading::Failed(error, None),
            };
        let manifest = match std::str::from_utf8(&text) {
            Ok(text) => ModManifest::parse(text, &bounds.limits),
            Err(error) => {
                let before = text.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
                let problem = "it is not UTF-8 text".to_owned();
                Err(ModError::Manifest { line: Some(before + 1), problem })
            }
        };
        let manifest = match manifest {
            Ok(manifest) => Arc::new(manifest),
            Err(error) => return Reading::Failed(error, None),
        };
        let entry = Path::new(manifest.entry());
        let called = plain(manifest.entry());
        let (module, module_stamp) = match read(self.base.folder(), entry, &called, bounds.module_bytes) {
            Ok(read) => read,
            Err(error) => return Reading::Failed(error, Some(manifest)),
        };
        let is_text = entry.extension().is_some_and(|extension| extension == "wat");
        let mut hasher = DefaultHasher::new();
        (&text, &module, is_text).hash(&mut hasher);
        let code = if is_text { Code::Text(module) } else { Code::Binary(module) };
        let seen = Seen { manifest: manifest_stamp, entry: entry.to_owned(), module: module_stamp };
        let is_settled = manifest_stamp.is_settled(now) && module_stamp.is_settled(now);
        Reading::Read(Files { manifest, code, print: hasher.finish() }, is_settled.then(|| Box::new(seen)))
    }

    /// Whether the files may be removed as a whole during the read.
    pub(super) fn is_published(&self) -> bool {
        matches!(self.base, Base::Published(_))
    }
}

impl Seen {
    /// Whether the files' stamps are unchanged.
    pub(super) fn is_current(&self, place: &Place<'_>) -> bool {
        let folder = place.base.folder();
        stamp_of(folder, place.manifest.as_ref()) == Some(self.manifest)
            && stamp_of(folder, &self.entry) == Some(self.module)
    }
}
