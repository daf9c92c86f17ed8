use std::fs;

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

/// After how many seconds a file that is written now can be identified by its stamp.
fn later() -> i128 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    i128::from(now.as_secs()) + 2 * COARSEST
}

/// The result for each mod, as text.
fn findings(scan: &Scan) -> Vec<(String, String)> {
    let describe = |reading: &Reading| match reading {
        Reading::Unchanged => "unchanged".to_owned(),
        Reading::Read(files, _) => files.manifest.id().to_owned(),
        Reading::Failed(error, _) => error.to_string(),
    };
    scan.mods.iter().map(|(name, reading)| (name.clone(), describe(reading))).collect()
}

/// The folder's mods, and what is wrong with it; removes the folder afterwards.
fn scanned(files: &[(&str, &[u8])]) -> (Vec<(String, String)>, Option<ModError>) {
    let folder = folder(files);
    let scan = scan(&folder, &BOUNDS(), &BTreeMap::new());
    fs::remove_dir_all(folder).expect("removed");
    (findings(&scan), scan.trouble)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, found)| ((*name).to_owned(), (*found).to_owned())).collect()
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
    let message = "a.wasm has 101 bytes, and this host takes at most 100: it was not read";
    assert_eq!(mods, pairs(&[("one", message)]));
    let names: Vec<String> = (0..5).map(|number| format!("m{number}.toml")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let (mods, trouble) = scanned(&files);
    assert_eq!((mods.len(), trouble), (3, Some(ModError::TooMany { most: 3 })));
}

#[test]
fn what_looks_the_same_is_not_read_again_and_any_change_is_seen() {
    let folder = folder(&[("one/mod.toml", MANIFEST_TEXT.as_bytes()), ("one/a.wasm", b"x")]);
    let mut seen = BTreeMap::new();
    let scan = |seen: &BTreeMap<String, Known>| scan_at(&folder, &BOUNDS(), seen, 99, later());
    let look = |seen: &mut BTreeMap<String, Known>| match scan(seen).mods.remove("one") {
        Some(Reading::Read(files, now)) => {
            seen.insert("one".to_owned(), Known { seen: now, runs: true });
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
    let scan = scan(&seen);
    assert!(scan.mods.is_empty() && scan.trouble.is_none(), "a folder that is gone holds no mods");
}

/// Files that are not mods take no mod's place, however many there are and in whatever order the system lists them.
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

/// A folder with more names than are examined is reported, and its running mods are found all the same.
#[test]
fn a_folder_of_more_names_than_are_looked_at_keeps_what_is_known_and_says_so() {
    let manifest = MANIFEST_TEXT.as_bytes();
    let names: Vec<String> = (0..20).map(|number| format!("{number}.tmp")).collect();
    let junk = names.iter().map(|name| (name.as_str(), &b"x"[..]));
    let mods: [(&str, &[u8]); 2] = [("one/mod.toml", manifest), ("one/a.wasm", b"x")];
    let folder = folder(&mods.into_iter().chain(junk).collect::<Vec<_>>());
    let known = BTreeMap::from(["one", "gone"].map(|name| (name.to_owned(), Known::default())));
    let few = scan_at(&folder, &BOUNDS(), &known, 5, 0);
    assert_eq!(few.mods.keys().collect::<Vec<_>>(), ["one"]);
    assert_eq!(few.trouble, Some(ModError::TooManyNames { most: 5 }));
    let all = scan_at(&folder, &BOUNDS(), &known, 21, 0);
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

/// A file that was just written may be written again, with the same length, in the same tick of the file system's clock.
#[test]
fn what_was_written_a_moment_ago_is_read_again() {
    let folder = folder(&[("one/mod.toml", MANIFEST_TEXT.as_bytes()), ("one/a.wasm", b"x")]);
    for (now, is_known) in [(later(), true), (later() - 2 * COARSEST, false), (0, false)] {
        let mut scan = scan_at(&folder, &BOUNDS(), &BTreeMap::new(), 99, now);
        let Some(Reading::Read(_, seen)) = scan.mods.remove("one") else { panic!("it is there") };
        assert_eq!(seen.is_some(), is_known);
    }
    fs::remove_dir_all(folder).expect("removed");
}

/// A reported entry that is not a mod takes no mod's place, and such reports are bounded.
#[test]
fn folders_without_a_manifest_take_no_place() {
    let manifest = MANIFEST_TEXT.as_bytes();
    let empty: Vec<String> = (0..OTHERS + 9).map(|number| format!("e{number:03}/readme")).collect();
    let empty = empty.iter().map(|name| (name.as_str(), &b"x"[..]));
    let mods: [(&str, &[u8]); 2] = [("one/mod.toml", manifest), ("one/a.wasm", b"x")];
    let folder = folder(&mods.into_iter().chain(empty).collect::<Vec<_>>());
    let bounds = Bounds { mods: 1, ..BOUNDS() };
    let scan = scan(&folder, &bounds, &BTreeMap::new());
    fs::remove_dir_all(folder).expect("removed");
    assert_eq!(scan.trouble, Some(ModError::TooManyOthers { most: OTHERS }));
    assert_eq!(scan.mods.len(), OTHERS + 1);
    let found = findings(&scan);
    assert_eq!(found[0].1, "cannot read e000/mod.toml: there is no such file");
    assert_eq!(found[OTHERS], ("one".to_owned(), "a".to_owned()));
}

/// A running mod keeps its place without its manifest: it still uses its resources.
#[test]
fn what_runs_keeps_its_place() {
    let manifest = MANIFEST_TEXT.as_bytes();
    let folder = folder(&[("new/mod.toml", manifest), ("new/a.wasm", b"x"), ("old/a.wasm", b"x")]);
    let known = BTreeMap::from([("old".to_owned(), Known { seen: None, runs: true })]);
    let bounds = Bounds { mods: 1, ..BOUNDS() };
    let scan = scan(&folder, &bounds, &known);
    fs::remove_dir_all(folder).expect("removed");
    assert_eq!(scan.trouble, Some(ModError::TooMany { most: 1 }));
    assert_eq!(findings(&scan), pairs(&[("old", "cannot read old/mod.toml: there is no such file")]));
}

/// Exchanges, and names that are not UTF-8, which not every file system supports.
#[cfg(target_os = "linux")]
mod on_linux {
    use std::os::unix::{ffi::OsStringExt, fs::symlink};

    use rustix::fs::{CWD, Mode, RenameFlags, mkfifoat, renameat_with};

    use super::*;

    #[test]
    fn links_are_not_followed_and_those_that_are_no_mods_are_not_reported() {
        let manifest = MANIFEST_TEXT.as_bytes();
        let nested = b"id = 'b'\nversion = '1.0.0'\nentry = 'sub/a.wasm'";
        let folder = folder(&[
            ("mods/one/mod.toml", manifest),
            ("mods/one/a.wasm", b"x"),
            ("mods/two/mod.toml", nested),
            ("elsewhere/mod.toml", manifest),
            ("elsewhere/a.wasm", b"x"),
        ]);
        let mods = folder.join("mods");
        for (text, name) in [
            ("../one", "two/sub"),
            ("one/a.wasm", "notes.txt"),
            ("one/a.wasm", "notes"),
            ("nowhere", "gone.txt"),
            ("../elsewhere", "linked"),
            ("one/mod.toml", "three.toml"),
            ("nowhere", "dangling"),
        ] {
            symlink(text, mods.join(name)).expect("linked");
        }
        let bounds = Bounds { mods: 2, ..BOUNDS() };
        let scan = scan(&mods, &bounds, &BTreeMap::new());
        fs::remove_dir_all(folder).expect("removed");
        let link = |what: &str| {
            format!("{what} is a symbolic link, and none is followed: put the file or folder itself there")
        };
        assert_eq!(
            findings(&scan),
            pairs(&[
                ("dangling", &link("dangling")),
                ("linked", &link("linked")),
                ("one", "a"),
                ("three.toml", &link("three.toml")),
                ("two", &link("sub")),
            ])
        );
        assert_eq!(scan.trouble, None, "two mods, and links that take no place");
    }

    /// A mounted `ConfigMap`: links to links, exchanged as a whole.
    #[test]
    fn a_mounted_config_map_is_read() {
        let manifest = |id: &str| format!("id = '{id}'\nversion = '1.0.0'\nentry = 'a.wasm'");
        let folder = folder(&[
            ("one/..2026_01/mod.toml", manifest("old").as_bytes()),
            ("one/..2026_01/a.wasm", b"x"),
            ("one/..2026_02/mod.toml", manifest("new").as_bytes()),
            ("one/..2026_02/a.wasm", b"y"),
            ("..2026_03/flat.toml", manifest("flat").as_bytes()),
            ("..2026_03/a.wasm", b"z"),
            ("secret/mod.toml", manifest("secret").as_bytes()),
        ]);
        let link = |text: &str, name: &str| symlink(text, folder.join(name)).expect("linked");
        link("..2026_01", "one/..data");
        link("..data/mod.toml", "one/mod.toml");
        link("..data/a.wasm", "one/a.wasm");
        link("..2026_03", "..data");
        link("..data/flat.toml", "flat.toml");
        link("..data/a.wasm", "a.wasm");
        fs::remove_dir_all(folder.join("secret")).expect("removed");
        let look = |known: &BTreeMap<String, Known>| scan_at(&folder, &BOUNDS(), known, 99, later());
        let scan = look(&BTreeMap::new());
        assert_eq!(
            (findings(&scan), &scan.trouble),
            (pairs(&[("flat.toml", "flat"), ("one", "old")]), &None)
        );
        let mut known = BTreeMap::new();
        for (name, reading) in scan.mods {
            let Reading::Read(_, seen) = reading else { panic!("{reading:?}") };
            known.insert(name, Known { seen, runs: true });
        }
        assert_eq!(findings(&look(&known)), pairs(&[("flat.toml", "unchanged"), ("one", "unchanged")]));
        // As Kubernetes does it.
        link("..2026_02", "one/..data_tmp");
        fs::rename(folder.join("one/..data_tmp"), folder.join("one/..data")).expect("renamed");
        assert_eq!(findings(&look(&known)), pairs(&[("flat.toml", "unchanged"), ("one", "new")]));
        // Such links lead to a folder beside them and nowhere else.
        for text in ["..", "../one/..2026_01", "..2026_02/x", "/etc", "plain"] {
            fs::remove_file(folder.join("one/..data")).expect("removed");
            link(text, "one/..data");
            let found = findings(&look(&BTreeMap::new())).pop().expect("one").1;
            assert!(found.starts_with("one/mod.toml is a symbolic link"), "{text}: {found}");
        }
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn a_name_that_is_not_utf8_is_reported() {
        let folder = folder(&[("one/mod.toml", MANIFEST_TEXT.as_bytes()), ("one/a.wasm", b"x")]);
        let named = |bytes: &[u8]| folder.join(OsString::from_vec(bytes.to_vec()));
        fs::create_dir(named(b"n\xff\xfe")).expect("made");
        fs::write(named(b"\xff.toml"), "").expect("written");
        fs::write(named(b"\xff.txt"), "").expect("written");
        let scan = scan(&folder, &BOUNDS(), &BTreeMap::new());
        fs::remove_dir_all(folder).expect("removed");
        let why = |name: &str| format!("cannot read {name}: its name is not UTF-8: rename it");
        assert_eq!(
            findings(&scan),
            pairs(&[("\\xff.toml", &why("\\xff.toml")), ("n\\xff\\xfe", &why("n\\xff\\xfe")), ("one", "a")])
        );
    }

    /// A file that is constantly exchanged for a pipe, a folder or a link is read or refused, and never blocks the read.
    #[test]
    fn what_is_exchanged_between_the_look_and_the_opening_is_refused() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let folder = folder(&[
            ("one/mod.toml", MANIFEST_TEXT.as_bytes()),
            ("one/a.wasm", b"x"),
            ("one/folder/x", b""),
        ]);
        mkfifoat(CWD, folder.join("one/pipe"), Mode::RWXU).expect("made");
        symlink("/etc/passwd", folder.join("one/link")).expect("linked");
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for name in ["pipe", "folder", "link"].iter().cycle() {
                    let (a, b) = (folder.join("one/a.wasm"), folder.join("one").join(name));
                    for _ in 0..2 {
                        renameat_with(CWD, &a, CWD, &b, RenameFlags::EXCHANGE).expect("exchanged");
                    }
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
            let mut seen = BTreeMap::new();
            for _ in 0..3_000 {
                let scan = scan(&folder, &BOUNDS(), &BTreeMap::new());
                let found = findings(&scan).pop().expect("one").1;
                *seen.entry(found).or_insert(0) += 1;
            }
            stop.store(true, Ordering::Relaxed);
            let fine = [
                "a",
                "a.wasm is not a regular file",
                "a.wasm was changed while it was read: it is read again later",
            ];
            for found in seen.keys() {
                assert!(
                    fine.contains(&found.as_str()) || found.starts_with("a.wasm is a symbolic link"),
                    "{seen:?}"
                );
            }
        });
        fs::remove_dir_all(&folder).expect("removed");
    }

    /// The implementation for other systems, tested here.
    #[test]
    fn the_portable_way_refuses_the_same() {
        let folder = folder(&[("one/a.wasm", b"x")]);
        symlink("one", folder.join("link")).expect("linked");
        let root = portable::Folder::open(&folder).expect("there");
        assert!(root.folder("link".as_ref()).is_err());
        assert_eq!(root.look("link".as_ref()).expect("there").0, Kind::Link);
        assert_eq!(root.behind("link".as_ref()).expect("there"), Kind::Folder);
        assert_eq!(root.link("link".as_ref()).as_deref(), Some(Path::new("one")));
        let one = root.folder("one".as_ref()).expect("there");
        let file = one.file("a.wasm".as_ref()).expect("there");
        let opened = portable::opened(&file).expect("open");
        assert_eq!(opened, one.look("a.wasm".as_ref()).expect("there"));
        assert_eq!((opened.0, opened.1.length), (Kind::File, 1));
        let mut names: Vec<_> = root.names().expect("there").map(|name| name.expect("a name")).collect();
        names.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(names, [("link".into(), Some(Kind::Link)), ("one".into(), Some(Kind::Folder))]);
        fs::remove_dir_all(folder).expect("removed");
    }
}
