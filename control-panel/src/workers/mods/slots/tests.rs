use super::*;
use crate::workers::mods::{ModLimits, wasm::Code};

/// Slots whose mods "run" as their version.
#[derive(Default)]
struct Bench {
    slots: Slots<String>,
    /// By slot: the version and the rest of the manifest.
    disk: BTreeMap<&'static str, (String, String)>,
    /// Versions that fail to start.
    bad: BTreeSet<String>,
    steps: Vec<String>,
}

impl Bench {
    fn put(&mut self, slot: &'static str, version: &str, more: &str) -> &mut Self {
        self.disk.insert(slot, (version.to_owned(), more.to_owned()));
        self
    }

    fn files(slot: &str, version: &str, more: &str) -> Files {
        let text = format!("id = '{slot}'\nversion = '{version}'\nentry = 'x.wasm'\n{more}");
        let manifest = ModManifest::parse(&text, &ModLimits::default()).expect("valid");
        let print = version
            .bytes()
            .chain(more.bytes())
            .fold(7_u64, |print, byte| print.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Files { manifest: Arc::new(manifest), code: Code::Binary(Vec::new()), print }
    }

    /// Looks and settles. Returns what was done.
    fn round(&mut self) -> Vec<String> {
        let read = |(slot, (version, more)): (&&'static str, &(String, String))| {
            let reading = match version.as_str() {
                "unreadable" => Reading::Failed(ModError::NotAFile { what: (*slot).to_owned() }, None),
                _ => Reading::Read(Self::files(slot, version, more), None),
            };
            ((*slot).to_owned(), reading)
        };
        let mods = self.disk.iter().map(read).collect();
        self.slots.found(Scan { mods, ..Scan::default() });
        self.settle()
    }

    fn settle(&mut self) -> Vec<String> {
        for _ in 0..100 {
            let Some(step) = self.slots.next_step() else { return std::mem::take(&mut self.steps) };
            match step {
                Step::Stop(name, why) => {
                    let running = self.slots.take(&name).expect("it runs");
                    self.steps.push(format!("stop {name} {}: {why}", running.instance));
                }
                Step::Start(name, files) => {
                    let version = files.manifest.version().to_owned();
                    if self.bad.contains(&version) {
                        self.slots.failed(&name, &files, ModError::Declined { number: 1 });
                        continue;
                    }
                    let old = self.slots.started(&name, &files, version.clone());
                    while let Some((name, why)) =
                        old.as_ref().and_then(|_| self.slots.next_left_behind(&name))
                    {
                        let running = self.slots.take(&name).expect("it runs");
                        self.steps.push(format!("stop {name} {}: {why}", running.instance));
                    }
                    let old = old.map_or(String::new(), |old| format!(" for {}", old.instance));
                    self.steps.push(format!("start {name} {version}{old}"));
                }
                Step::Tell { mod_id, reason, still_running } => {
                    let running =
                        still_running.map_or(String::new(), |version| format!(" ({version} goes on)"));
                    self.steps.push(format!("tell {mod_id}{running}: {reason}"));
                }
            }
        }
        panic!("it never settles: {:?}", self.steps);
    }
}

#[test]
fn what_is_new_starts_and_what_is_the_same_is_left_alone() {
    let mut bench = Bench::default();
    bench.put("b", "1.0.0", "").put("a", "1.0.0", "requires = ['b']");
    assert_eq!(bench.round(), ["start b 1.0.0", "start a 1.0.0"]);
    assert!(bench.round().is_empty());
    bench.put("b", "2.0.0", "");
    assert_eq!(bench.round(), ["start b 2.0.0 for 1.0.0"], "those that require it go on");
    assert_eq!(
        bench.slots.stopping_order(),
        ["a", "b"],
        "and still stop before it, though it is younger now"
    );
    bench.disk.remove("b");
    let steps = bench.round();
    assert_eq!(
        steps,
        [
            "stop a 1.0.0: it requires `b`, which no mod provides",
            "stop b 2.0.0: its files are gone",
            "tell a: it requires `b`, which no mod provides"
        ]
    );
    assert_eq!(bench.slots.iter().count(), 1, "what is gone is forgotten");
}

#[test]
fn whatever_is_wrong_with_a_new_version_the_old_one_goes_on() {
    let mut bench = Bench::default();
    bench.bad.insert("6.6.6".into());
    bench.put("a", "1.0.0", "").put("b", "1.0.0", "requires = ['a']").round();
    bench.put("a", "6.6.6", "");
    let declined = "its mod_activate returned 1; 0 would have meant active";
    assert_eq!(bench.round(), [format!("tell a (1.0.0 goes on): {declined}")]);
    assert!(bench.round().is_empty(), "reported once, tried once");
    bench.put("a", "unreadable", "");
    assert_eq!(bench.round(), ["tell a (1.0.0 goes on): a is not a regular file"]);
    bench.put("a", "2.0.0", "requires = ['nowhere']");
    assert_eq!(bench.round(), ["tell a (1.0.0 goes on): it requires `nowhere`, which no mod provides"]);
    bench.put("a", "2.0.0", "requires = ['b']");
    let steps = bench.round();
    assert!(
        steps.len() == 1 && steps[0].starts_with("tell a (1.0.0 goes on): mods require each other"),
        "{steps:?}"
    );
    bench.put("a", "1.0.0", "");
    assert!(bench.round().is_empty(), "back to what runs");
    bench.put("a", "6.6.6", "");
    assert_eq!(bench.round().len(), 1, "and a failure that comes again is reported again");
    bench.put("a", "3.0.0", "");
    assert_eq!(bench.round(), ["start a 3.0.0 for 1.0.0"]);
}

/// A mod that only a new version would break keeps running until that version runs, and is stopped before the old one.
#[test]
fn a_broken_new_version_leaves_those_alone_that_require_the_old_one() {
    let mut bench = Bench::default();
    bench.bad.insert("6.6.6".into());
    bench.put("base", "1.0.0", "provides = ['pages']").put("user", "1.0.0", "requires = ['pages']");
    assert_eq!(bench.round(), ["start base 1.0.0", "start user 1.0.0"]);
    bench.put("base", "6.6.6", "");
    let declined = "its mod_activate returned 1; 0 would have meant active";
    assert_eq!(bench.round(), [format!("tell base (1.0.0 goes on): {declined}")]);
    bench.put("base", "2.0.0", "");
    assert_eq!(
        bench.round(),
        [
            "stop user 1.0.0: it requires `pages`, which no mod provides",
            "start base 2.0.0 for 1.0.0",
            "tell user: it requires `pages`, which no mod provides"
        ]
    );
    bench.put("base", "3.0.0", "provides = ['pages']");
    assert_eq!(bench.round(), ["start base 3.0.0 for 2.0.0", "start user 1.0.0"]);
    // The new versions of both, together.
    bench.put("base", "4.0.0", "").put("user", "4.0.0", "");
    assert_eq!(bench.round(), ["start base 4.0.0 for 3.0.0", "start user 4.0.0 for 1.0.0"]);
}

#[test]
fn switching_off_and_on_takes_dependents_along() {
    let mut bench = Bench::default();
    bench
        .put("a", "1.0.0", "")
        .put("b", "1.0.0", "requires = ['a']")
        .put("c", "1.0.0", "requires = ['b']")
        .round();
    assert!(bench.slots.switch("a", false));
    assert_eq!(
        bench.settle(),
        [
            "stop c 1.0.0: it requires `b`, whose mod is not running",
            "stop b 1.0.0: it requires `a`, whose mod is not running",
            "stop a 1.0.0: the host asked for it",
            "tell b: it requires `a`, whose mod is not running",
            "tell c: it requires `b`, whose mod is not running",
        ]
    );
    bench.put("a", "2.0.0", "");
    assert!(bench.round().is_empty(), "a new version does not switch it on");
    assert!(bench.slots.switch("a", true));
    assert_eq!(bench.settle(), ["start a 2.0.0", "start b 1.0.0", "start c 1.0.0"]);
    assert!(!bench.slots.switch("missing", false) && bench.slots.off.is_empty(), "unknown ids are not kept");
}

/// A mod whose files are gone for a while is still off when they come back, whatever is switched meanwhile.
#[test]
fn what_is_off_stays_off_while_its_files_are_gone_or_unreadable() {
    let mut bench = Bench::default();
    bench.put("a", "1.0.0", "").put("b", "1.0.0", "").round();
    assert!(bench.slots.switch("a", false));
    assert_eq!(bench.settle(), ["stop a 1.0.0: the host asked for it"]);
    bench.disk.remove("a");
    bench.round();
    assert!(bench.slots.switch("b", false) && bench.slots.switch("b", true));
    bench.round();
    bench.put("a", "1.0.0", "");
    assert!(bench.round().is_empty(), "it was gone");
    bench.put("a", "unreadable", "").round();
    assert!(bench.slots.switch("b", false) && bench.slots.switch("b", true));
    bench.put("a", "1.0.1", "");
    assert!(bench.round().is_empty(), "it was unreadable");
    assert!(bench.slots.switch("a", true));
    assert_eq!(bench.settle(), ["start a 1.0.1"]);
}

/// This many mods that are gone are remembered as off; beyond it the oldest is forgotten, but never one whose files exist.
#[test]
fn the_ids_that_are_off_are_bounded() {
    let mut bench = Bench::default();
    bench.put("stays", "1.0.0", "").round();
    bench.slots.switch("stays", false);
    bench.settle();
    for number in 0..REMEMBERED + 10 {
        let id = format!("m{number}");
        let files = Bench::files(&id, "1.0.0", "");
        let read = |files| Reading::Read(files, None);
        let mods = [
            ("stays".to_owned(), read(Bench::files("stays", "1.0.0", ""))),
            ("passes".to_owned(), read(files)),
        ];
        bench.slots.found(Scan { mods: mods.into(), ..Scan::default() });
        assert!(bench.slots.switch(&id, false));
        bench.settle();
    }
    assert_eq!(bench.slots.off.len(), REMEMBERED + 2, "with the two that are there");
    assert!(bench.slots.off.contains_key("stays"), "the oldest, but its files are there");
    assert!(!bench.slots.off.contains_key("m0") && bench.slots.off.contains_key("m10"));
}

/// A mod that keeps running is reported by its own id, not by that of the files that could not be loaded.
#[test]
fn a_mod_that_wants_another_id_is_reported_by_the_one_it_has() {
    let mut bench = Bench::default();
    bench.put("base", "1.0.0", "").put("other", "1.0.0", "").round();
    let mut files = Bench::files("base", "2.0.0", "");
    files.print = 99;
    let mods = [("base".to_owned(), Reading::Unchanged), ("other".to_owned(), Reading::Read(files, None))];
    bench.slots.found(Scan { mods: mods.into(), ..Scan::default() });
    assert_eq!(
        bench.settle(),
        ["tell other (1.0.0 goes on): the id `base` is also that of base: ids must differ"]
    );
    let ids: Vec<_> = bench.slots.iter().map(|(_, slot, _)| slot.id().map(str::to_owned)).collect();
    assert_eq!(ids, [Some("base".to_owned()), Some("other".to_owned())]);
}

#[test]
fn what_failed_is_tried_again_only_when_asked_for() {
    let mut bench = Bench::default();
    bench.bad.insert("1.0.0".into());
    bench.put("a", "1.0.0", "").put("b", "2.0.0", "requires = ['a']");
    assert_eq!(bench.round().len(), 2, "both are reported");
    bench.bad.clear();
    assert!(bench.round().is_empty());
    bench.slots.reload("a");
    assert_eq!(bench.settle(), ["start a 1.0.0", "start b 2.0.0"]);
    bench.slots.reload("a");
    assert_eq!(bench.settle(), ["start a 1.0.0 for 1.0.0"]);
    // It runs, then a call of it fails.
    let running = bench.slots.take("a").expect("it runs");
    bench.slots.faulted("a", &running, ModError::Declined { number: 9 });
    assert_eq!(
        bench.settle(),
        [
            "stop b 2.0.0: it requires `a`, whose mod is not running",
            "tell b: it requires `a`, whose mod is not running"
        ]
    );
    assert!(bench.round().is_empty());
    bench.slots.switch("a", true);
    assert_eq!(bench.settle(), ["start a 1.0.0", "start b 2.0.0"]);
}

#[test]
fn a_folder_in_trouble_keeps_what_runs() {
    let mut bench = Bench::default();
    bench.put("a", "1.0.0", "").round();
    let trouble = || Some(ModError::TooMany { most: 1 });
    let denied = || Some(ModError::Unreadable { what: "the mods folder".into(), why: "denied".into() });
    bench.slots.found(Scan { trouble: denied(), ..Scan::default() });
    assert_eq!(bench.settle(), ["tell (mods folder): cannot read the mods folder: denied"]);
    bench.slots.found(Scan { trouble: denied(), ..Scan::default() });
    assert!(bench.settle().is_empty());
    assert_eq!(bench.slots.running(), ["a"]);
    assert!(bench.slots.folder_trouble().is_some());
    bench.put("(mods folder)", "unreadable", "");
    bench.disk.insert("a", ("1.0.0".into(), String::new()));
    assert_eq!(bench.round(), ["tell (mods folder): (mods folder) is not a regular file"]);
    assert_eq!(bench.slots.folder_trouble(), None, "a folder of that name is another thing");
    bench.disk.remove("(mods folder)");
    bench.round();
    // Too many mods do not affect those that were read, and none are considered gone.
    bench.slots.found(Scan { trouble: trouble(), ..Scan::default() });
    assert_eq!(bench.settle().len(), 2, "the mod is gone, and there were too many");
}

/// Whatever happens on the disk and to the mods, the slots settle; what runs then has everything that it requires.
#[test]
fn it_always_settles() {
    let mut seed = 88_172_645_463_325_252_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let names = ["a", "b", "c", "d"];
    let mut bench = Bench::default();
    bench.bad.extend(["1.0.3".to_owned(), "1.0.4".to_owned()]);
    for _ in 0..3_000 {
        let slot = names[usize::try_from(random(4)).unwrap_or(0)];
        match random(8) {
            0 => drop(bench.disk.remove(slot)),
            1 => drop(bench.slots.switch(slot, false)),
            2 => drop(bench.slots.switch(slot, true)),
            3 => drop(bench.slots.reload(slot)),
            4 => {
                if let Some(running) = bench.slots.take(slot) {
                    bench.slots.faulted(slot, &running, ModError::Declined { number: 2 });
                }
            }
            _ => {
                let requires = names.iter().filter(|_| random(5) == 0).map(|name| format!("'{name}',"));
                let requires = format!("requires = [{}]", requires.collect::<String>());
                let provides = if random(4) == 0 { "\nprovides = ['x']" } else { "" };
                bench.put(slot, &format!("1.0.{}", random(6)), &(requires + provides));
            }
        }
        bench.round();
        let provided: BTreeSet<String> = bench
            .slots
            .all
            .values()
            .filter_map(|slot| slot.running.as_ref())
            .flat_map(|running| std::iter::once(running.manifest.id()).chain(running.manifest.provides()))
            .map(str::to_owned)
            .collect();
        for slot in bench.slots.all.values() {
            let Some(running) = &slot.running else { continue };
            assert!(running.manifest.requires().all(|name| provided.contains(name)), "{:?}", bench.disk);
            assert!(!bench.slots.off.contains_key(running.manifest.id()));
        }
    }
}
