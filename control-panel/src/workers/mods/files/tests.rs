use super::*;

const BOUNDS: fn() -> Bounds = || Bounds { mods: 3, module_bytes: 100, limits: ModLimits::default() };
const MANIFEST_TEXT: &str = "id = 'a'\nversion = '1.0.0'\nentry = 'a.wasm'";

fn folder(files: &[(&str, &[u8])]) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("control-panel-files-{}-{number}", std::process::id()));
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("in a folder")).expect("made");
        fs::write(path, content).expect("written");
    }
    folder
}

/// The folder's mods, and what is wrong with it; then the folder is removed.
fn scanned(files: &[(&str, &[u8])]) -> (Vec<(String, String)>, Option<ModError>) {
    let folder = folder(files);
    let scan = scan(&folder, &BOUNDS(), &BTreeMap::new());
    fs::remove_dir_all(folder).expect("removed");
    let told = |reading: &Reading| match reading {
        Reading::Unchanged => "unchanged".to_owned(),
        Reading::Read(files, _) => files.manifest.id().to_owned(),
        Reading::Failed(error) => error.to_string(),
    };
    (scan.mods.iter().map(|(name, reading)| (name.clone(), told(reading))).collect(), scan.trouble)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, told)| ((*name).to_owned(), (*told).to_owned())).collect()
}

#[test]
fn folders_and_manifests_are_mods_and_other_files_are_not() {
    let manifest = MANIFEST_TEXT.as_bytes();
    let (mods, trouble) = scanned(&[
        ("one/mod.toml", manifest),
        ("one/a.wasm", b"x"),
        ("two.toml", manifest),
        ("a.wasm", b"x"),
        ("README.md", b"x"),
        (".hidden/mod.toml", manifest),
        (".x.toml", manifest),
    ]);
    assert_eq!((mods, trouble), (pairs(&[("one", "a"), ("two.toml", "a")]), None));
}

#[test]
fn sizes_are_looked_at_first_and_numbers_bounded() {
    let manifest = MANIFEST_TEXT.as_bytes();
    let (mods, _) = scanned(&[("one/mod.toml", manifest), ("one/a.wasm", &[0; 101])]);
    let told = "a.wasm has 101 bytes, and this host takes at most 100: it was not read";
    assert_eq!(mods, pairs(&[("one", told)]));
    let names: Vec<String> = (0..5).map(|number| format!("m{number}.toml")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let (mods, trouble) = scanned(&files);
    assert_eq!((mods.len(), trouble), (3, Some(ModError::TooMany { most: 3 })));
}

#[test]
fn what_looks_the_same_is_not_read_again_and_any_change_is_seen() {
    let folder = folder(&[("one/mod.toml", MANIFEST_TEXT.as_bytes()), ("one/a.wasm", b"x")]);
    let mut seen = BTreeMap::new();
    let look =
        |seen: &mut BTreeMap<String, Option<Seen>>| match scan(&folder, &BOUNDS(), seen).mods.remove("one") {
            Some(Reading::Read(files, now)) => {
                seen.insert("one".to_owned(), Some(now));
                Some(files.print)
            }
            Some(Reading::Unchanged) => None,
            other => panic!("{other:?}"),
        };
    let first = look(&mut seen).expect("read");
    assert_eq!(look(&mut seen), None);
    fs::write(folder.join("one/a.wasm"), b"xy").expect("written");
    let second = look(&mut seen).expect("longer");
    fs::rename(folder.join("one/a.wasm"), folder.join("one/b")).expect("renamed");
    fs::copy(folder.join("one/b"), folder.join("one/a.wasm")).expect("copied");
    let third = look(&mut seen).expect("another file");
    assert_ne!(first, second);
    assert_eq!(second, third, "of the same content");
    fs::remove_dir_all(&folder).expect("removed");
    let scan = scan(&folder, &BOUNDS(), &seen);
    assert!(scan.mods.is_empty() && scan.trouble.is_none(), "a folder that is gone holds no mods");
}

/// Files that are no mods take no mod's place, however many they are and whatever order the system lists them in.
#[test]
fn what_is_no_mod_pushes_no_mod_out() {
    let manifest = MANIFEST_TEXT.as_bytes();
    let junk: Vec<String> = (0..200).map(|number| format!("{number}.tmp")).collect();
    let junk = junk.iter().map(|name| (name.as_str(), &b"x"[..]));
    let mods: [(&str, &[u8]); 2] = [("one/mod.toml", manifest), ("one/a.wasm", b"x")];
    let folder = folder(&mods.into_iter().chain(junk).collect::<Vec<_>>());
    let bounds = Bounds { mods: 1, ..BOUNDS() };
    let scan = scan(&folder, &bounds, &BTreeMap::new());
    fs::remove_dir_all(folder).expect("removed");
    assert_eq!(scan.trouble, None);
    assert_eq!(scan.mods.keys().collect::<Vec<_>>(), ["one"]);
}

/// A folder that holds more names than are looked at says so, and what runs from it is found all the same.
#[test]
fn a_folder_of_more_names_than_are_looked_at_keeps_what_is_known_and_says_so() {
    let manifest = MANIFEST_TEXT.as_bytes();
    let names: Vec<String> = (0..20).map(|number| format!("{number}.tmp")).collect();
    let junk = names.iter().map(|name| (name.as_str(), &b"x"[..]));
    let mods: [(&str, &[u8]); 2] = [("one/mod.toml", manifest), ("one/a.wasm", b"x")];
    let folder = folder(&mods.into_iter().chain(junk).collect::<Vec<_>>());
    let known = BTreeMap::from([("one".to_owned(), None), ("gone".to_owned(), None)]);
    let told = scan_names(&folder, &BOUNDS(), &known, 5);
    assert_eq!(told.mods.keys().collect::<Vec<_>>(), ["one"]);
    assert_eq!(told.trouble, Some(ModError::TooManyNames { most: 5 }));
    let all = scan_names(&folder, &BOUNDS(), &known, 21);
    assert_eq!((all.mods.len(), all.trouble), (1, None), "as many as there are");
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_host_that_takes_no_mods_says_so() {
    let folder = folder(&[("one/mod.toml", MANIFEST_TEXT.as_bytes())]);
    let scan = scan(&folder, &Bounds { mods: 0, ..BOUNDS() }, &BTreeMap::new());
    fs::remove_dir_all(folder).expect("removed");
    assert_eq!((scan.mods.len(), scan.trouble), (0, Some(ModError::TooMany { most: 0 })));
}

#[test]
fn a_module_of_any_size_is_read_where_any_is_allowed() {
    let folder = folder(&[("one/mod.toml", MANIFEST_TEXT.as_bytes()), ("one/a.wasm", b"x")]);
    let bounds = Bounds { module_bytes: u64::MAX, ..BOUNDS() };
    let mut scan = scan(&folder, &bounds, &BTreeMap::new());
    fs::remove_dir_all(folder).expect("removed");
    assert!(matches!(scan.mods.remove("one"), Some(Reading::Read(..))));
}
