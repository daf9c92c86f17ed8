//! The table of wrong files.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use control_panel::journal::{Fault, Journal, Recording};

use crate::make;

struct Case {
    name: &'static str,
    /// Puts something at the path, given the bytes of a good journal.
    put: fn(&Path, &[u8]),
    expected: fn(&Fault) -> bool,
}

fn damaged(fault: &Fault) -> bool {
    matches!(fault, Fault::Damaged { .. } | Fault::Truncated)
}

/// Changes the good bytes.
fn edit(path: &Path, good: &[u8], change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = good.to_vec();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

const CASES: &[Case] = &[
    Case {
        name: "a directory",
        put: |path, _| fs::create_dir(path).unwrap(),
        expected: |f| matches!(f, Fault::NotAFile),
    },
    Case {
        name: "a socket",
        put: |path, _| drop(std::os::unix::net::UnixListener::bind(path).unwrap()),
        expected: |f| matches!(f, Fault::NotAFile),
    },
    Case {
        name: "a symbolic link to a journal",
        put: |path, good| {
            let target = path.with_extension("target");
            fs::write(&target, good).unwrap();
            symlink(target, path).unwrap();
        },
        expected: |f| matches!(f, Fault::Symlink { target } if target.extension().unwrap() == "target"),
    },
    Case {
        name: "a symbolic link to nothing",
        put: |path, _| symlink("nothing", path).unwrap(),
        expected: |f| matches!(f, Fault::Symlink { .. }),
    },
    Case {
        name: "an empty file",
        put: |path, _| fs::write(path, "").unwrap(),
        expected: |f| matches!(f, Fault::Empty),
    },
    Case {
        name: "a text",
        put: |path, _| fs::write(path, "Dear diary").unwrap(),
        expected: |f| matches!(f, Fault::NotAJournal),
    },
    Case {
        name: "a database of another kind",
        put: |path, _| fs::write(path, [b"SQLite format 3\0".as_slice(), &[0; 4080]].concat()).unwrap(),
        expected: |f| matches!(f, Fault::NotAJournal),
    },
    Case {
        name: "zeros",
        put: |path, _| fs::write(path, [0; 8192]).unwrap(),
        expected: |f| matches!(f, Fault::NotAJournal),
    },
    Case {
        name: "the first bytes of a journal and nothing else",
        put: |path, good| fs::write(path, &good[..4]).unwrap(),
        expected: |f| matches!(f, Fault::Truncated),
    },
    Case {
        name: "the magic number and nothing else",
        put: |path, good| fs::write(path, &good[..9]).unwrap(),
        expected: damaged,
    },
    Case {
        name: "the header and nothing else",
        put: |path, good| fs::write(path, &good[..320]).unwrap(),
        expected: damaged,
    },
    Case { name: "one page", put: |path, good| fs::write(path, &good[..4096]).unwrap(), expected: damaged },
    Case {
        name: "a half",
        put: |path, good| fs::write(path, &good[..good.len() / 2]).unwrap(),
        expected: damaged,
    },
    Case {
        name: "all but the last byte",
        put: |path, good| fs::write(path, &good[..good.len() - 1]).unwrap(),
        expected: damaged,
    },
    Case {
        name: "all but the last page",
        put: |path, good| fs::write(path, &good[..good.len() - 4096]).unwrap(),
        expected: damaged,
    },
    Case {
        name: "a flipped bit in the magic number",
        put: |path, good| edit(path, good, |bytes| bytes[3] ^= 4),
        expected: |f| matches!(f, Fault::NotAJournal),
    },
    Case {
        name: "both commit slots flipped",
        put: |path, good| edit(path, good, |bytes| bytes[64..320].iter_mut().for_each(|b| *b ^= 1)),
        expected: damaged,
    },
    Case {
        name: "every byte after the header flipped",
        put: |path, good| edit(path, good, |bytes| bytes[4096..].iter_mut().for_each(|b| *b ^= 0xff)),
        expected: damaged,
    },
    Case {
        name: "every page flipped in one bit",
        put: |path, good| {
            edit(path, good, |bytes| bytes[4096..].iter_mut().step_by(2048).for_each(|b| *b ^= 1));
        },
        expected: damaged,
    },
    Case {
        name: "zeros after the header",
        put: |path, good| edit(path, good, |bytes| bytes[4096..].fill(0)),
        expected: damaged,
    },
    Case {
        name: "pages in another order",
        put: |path, good| edit(path, good, |bytes| bytes[4096..].rotate_left(4096)),
        expected: damaged,
    },
    Case {
        name: "the header, and a text",
        put: |path, good| {
            edit(path, good, |bytes| {
                bytes[320..].iter_mut().zip(b"text".iter().cycle()).for_each(|(b, t)| *b = *t);
            });
        },
        expected: damaged,
    },
    Case {
        name: "the magic number, and noise",
        put: |path, good| edit(path, good, |bytes| noise(bytes)),
        expected: damaged,
    },
    Case {
        name: "a read-only journal",
        put: |path, good| {
            fs::write(path, good).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
        },
        expected: |f| matches!(f, Fault::ReadOnly),
    },
];

fn noise(bytes: &mut [u8]) {
    let mut word = 1_u64;
    for byte in &mut bytes[9..] {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = word.to_be_bytes()[0];
    }
}

/// Everything in the folder but lock files, with its bytes.
fn contents(folder: &Path) -> BTreeSet<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let visible =
        entries.filter(|entry| entry.path().extension().is_none_or(|extension| extension != "lock"));
    visible
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default()))
        .collect()
}

#[test]
fn each_wrong_file_is_one_error_by_name_and_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let good = {
        let path = folder.path().join("good");
        make(&path);
        fs::read(path).unwrap()
    };
    assert!(CASES.len() >= 20);
    for Case { name, put, expected } in CASES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.journal");
        put(&path, &good);
        let before = contents(folder.path());
        // Twice: the first try is no excuse for the second.
        for _ in 0..2 {
            let error = Journal::open(&path).expect_err(name);
            assert!(expected(error.fault()), "{name}: {error:?}");
            assert_eq!(error.path(), path);
            let text = error.to_string();
            assert!(
                text.starts_with(path.to_str().unwrap()) && text.len() > path.as_os_str().len() + 20,
                "{name}: {text}"
            );
            assert!(before == contents(folder.path()), "{name}: something changed");
            match Recording::open(&path).map_err(|error| expected(error.fault())) {
                Ok(_) => assert_eq!(*name, "a read-only journal", "what may not be written may be read"),
                Err(is_expected) => assert!(is_expected, "{name}, read"),
            }
            assert!(before == contents(folder.path()), "{name}: something changed by reading");
        }
    }
}

#[test]
fn reading_makes_nothing_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let error = Recording::open(&path).unwrap_err();
    assert!(matches!(error.fault(), Fault::NotFound), "{error:?}");
    assert!(contents(folder.path()).is_empty());

    let journal = Journal::open(&path).unwrap();
    let error = Recording::open(&path).unwrap_err();
    assert!(
        matches!(error.fault(), Fault::InUse { pid, .. } if *pid == Some(std::process::id())),
        "{error:?}"
    );
    // It was not closed, so the next that writes repairs it.
    drop(journal);
    let before = contents(folder.path());
    Recording::open(&path).unwrap();
    assert!(before == contents(folder.path()));
}

#[test]
fn what_is_beyond_the_end_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    make(&path);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(&[7; 5000]);
    fs::write(&path, bytes).unwrap();
    match Journal::open(&path) {
        Ok(journal) => assert_eq!(journal.session(), 3),
        Err(error) => assert!(damaged(error.fault()), "{error:?}"),
    }
}

#[test]
fn a_journal_in_a_folder_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let error = Journal::open(folder.path().join("missing/app.journal")).unwrap_err();
    assert!(matches!(error.fault(), Fault::NotFound), "{error:?}");
    assert!(contents(folder.path()).is_empty());
}

#[test]
fn what_a_crash_left_while_a_journal_was_made_is_no_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    fs::write(folder.path().join("app.journal.new"), "half").unwrap();
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.session(), 1);
    assert!(!folder.path().join("app.journal.new").exists());
}

#[test]
fn a_journal_that_was_not_closed_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    drop(Journal::open(&path).unwrap());
    assert_eq!(Journal::open(&path).unwrap().session(), 2);
}
