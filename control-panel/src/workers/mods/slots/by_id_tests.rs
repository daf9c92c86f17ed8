//! Property test on random schedules: events by id show what runs, whatever is renamed, exchanged, broken, switched and
//! required at the same time.

use proptest::prelude::*;

use super::*;
use crate::workers::mods::{ModLimits, wasm::Code};

const SLOTS: usize = 5;
const IDS: usize = 4;

/// What is wrong with a mod.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Good,
    /// Its `mod_activate` returns a number other than 0.
    Declines,
    /// Its module cannot be read.
    Module,
    /// Its manifest cannot be read.
    Manifest,
}

#[derive(Debug, Clone)]
struct Content {
    id: usize,
    version: u32,
    requires: BTreeSet<usize>,
    provides: Option<usize>,
    fate: Fate,
}

#[derive(Debug, Clone)]
enum Op {
    Put(usize, Content),
    Remove(usize),
    Rename(usize, usize),
    Exchange(usize, usize),
    Break(usize, Fate),
    Switch(usize, bool),
    Reload(usize),
    Fault(usize),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![5 => Just(Fate::Good), 1 => Just(Fate::Declines), 1 => Just(Fate::Module), 1 => Just(Fate::Manifest)]
}

fn content() -> impl Strategy<Value = Content> {
    let requires =
        prop_oneof![3 => Just(BTreeSet::new()), 1 => prop::collection::btree_set(0..IDS + 2, 1..3)];
    let provides = prop_oneof![4 => Just(None), 1 => (0..IDS + 2).prop_map(Some)];
    (0..IDS, 0_u32..3, requires, provides, fate())
        .prop_map(|(id, version, requires, provides, fate)| Content { id, version, requires, provides, fate })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..SLOTS, content()).prop_map(|(slot, content)| Op::Put(slot, content)),
        1 => (0..SLOTS).prop_map(Op::Remove),
        3 => (0..SLOTS, 0..SLOTS).prop_map(|(from, to)| Op::Rename(from, to)),
        4 => (0..SLOTS, 0..SLOTS).prop_map(|(one, other)| Op::Exchange(one, other)),
        1 => (0..SLOTS, fate()).prop_map(|(slot, fate)| Op::Break(slot, fate)),
        1 => (0..IDS, any::<bool>()).prop_map(|(id, on)| Op::Switch(id, on)),
        1 => (0..IDS).prop_map(Op::Reload),
        1 => (0..SLOTS).prop_map(Op::Fault),
    ]
}

/// An id, or a name that occurs only in `provides`.
fn name(number: usize) -> String {
    if number < IDS { format!("m{number}") } else { format!("n{number}") }
}

fn reading(content: &Content) -> Reading {
    let list = |names: Vec<usize>| {
        names.into_iter().map(|it| format!("'{}',", name(it))).collect::<Vec<_>>().concat()
    };
    let text = format!(
        "id = '{}'\nversion = '{}.0.0'\nentry = 'x.wasm'\nrequires = [{}]\nprovides = [{}]",
        name(content.id),
        content.version,
        list(content.requires.iter().copied().collect()),
        list(content.provides.into_iter().collect()),
    );
    let manifest = Arc::new(ModManifest::parse(&text, &ModLimits::default()).expect("valid"));
    let error = || ModError::NotAFile { what: "x".to_owned() };
    match content.fate {
        Fate::Manifest => Reading::Failed(error(), None),
        Fate::Module => Reading::Failed(error(), Some(manifest)),
        Fate::Good | Fate::Declines => {
            let declines = content.fate == Fate::Declines;
            let print = text.bytes().fold(u64::from(declines), |print, byte| {
                print.wrapping_mul(31).wrapping_add(u64::from(byte))
            });
            let code = Code::Binary(vec![u8::from(declines)]);
            Reading::Read(Files { manifest, code, print }, None)
        }
    }
}

/// The disk, the slots, and a reducer that sees only the events.
#[derive(Default)]
struct World {
    disk: BTreeMap<usize, Content>,
    slots: Slots<()>,
    /// The version of each id.
    reduced: BTreeMap<String, String>,
    faulted: bool,
}

impl World {
    fn activated(&mut self, manifest: &ModManifest) {
        let before = self.reduced.insert(manifest.id().to_owned(), manifest.version().to_owned());
        assert_eq!(before, None, "{} is active already", manifest.id());
    }

    fn deactivated(&mut self, running: &Running<()>) {
        let before = self.reduced.remove(running.manifest.id());
        assert_eq!(before.as_deref(), Some(running.manifest.version()), "{}", running.manifest.id());
    }

    fn act(&mut self, op: Op) {
        match op {
            Op::Put(slot, content) => drop(self.disk.insert(slot, content)),
            Op::Remove(slot) => drop(self.disk.remove(&slot)),
            Op::Rename(from, to) => {
                if let Some(content) = self.disk.remove(&from) {
                    self.disk.insert(to, content);
                }
            }
            Op::Exchange(one, other) => {
                let (first, second) = (self.disk.remove(&one), self.disk.remove(&other));
                self.disk.extend(first.map(|content| (other, content)));
                self.disk.extend(second.map(|content| (one, content)));
            }
            Op::Break(slot, fate) => {
                if let Some(content) = self.disk.get_mut(&slot) {
                    content.fate = fate;
                }
            }
            Op::Switch(id, on) => drop(self.slots.switch(&name(id), on)),
            Op::Reload(id) => drop(self.slots.reload(&name(id))),
            Op::Fault(slot) => {
                let slot = format!("s{slot}");
                if let Some(running) = self.slots.lend(&slot) {
                    self.slots.faulted(&slot, &running, ModError::Declined { number: 2 });
                    self.deactivated(&running);
                    self.faulted = true;
                    self.settle();
                }
            }
        }
    }

    fn look(&mut self) {
        let mods = self.disk.iter().map(|(slot, content)| (format!("s{slot}"), reading(content))).collect();
        self.slots.found(Scan { mods, ..Scan::default() });
    }

    /// As the worker does it.
    fn settle(&mut self) {
        for _ in 0..200 {
            let Some(step) = self.slots.next_step() else { return };
            match step {
                Step::Stop(name, _) => {
                    let running = self.slots.take(&name).expect("it runs");
                    self.deactivated(&running);
                }
                Step::Start(name, files) if files.code == Code::Binary(vec![1]) => {
                    self.slots.failed(&name, &files, ModError::Declined { number: 1 });
                }
                Step::Start(name, files) => {
                    if let Some(old) = self.slots.started(&name, &files, ()) {
                        while let Some((name, _)) = self.slots.next_left_behind(&name) {
                            let running = self.slots.take(&name).expect("it runs");
                            self.deactivated(&running);
                        }
                        self.deactivated(&old);
                    }
                    self.activated(&files.manifest);
                    assert!(self.slots.no_id_runs_twice());
                }
                Step::Tell { mod_id, still_running, .. } => {
                    assert_eq!(still_running.as_ref(), self.reduced.get(&mod_id), "{mod_id}");
                }
            }
        }
        panic!("it never settles: {:?}", self.disk);
    }

    fn check(&self) {
        let running = self.slots.all.values().filter_map(|slot| slot.running.as_ref());
        let running: Vec<&ModManifest> = running.map(|running| &*running.manifest).collect();
        let by_id: BTreeMap<String, String> =
            running.iter().map(|it| (it.id().to_owned(), it.version().to_owned())).collect();
        assert_eq!(self.reduced, by_id, "by id, of {:?}", self.disk);
        assert_eq!(by_id.len(), running.len(), "an id runs once");
        let provided: BTreeSet<&str> =
            running.iter().flat_map(|it| std::iter::once(it.id()).chain(it.provides())).collect();
        for it in &running {
            assert!(it.requires().all(|name| provided.contains(name)), "{} of {:?}", it.id(), self.disk);
            assert!(!self.slots.off.contains_key(it.id()), "{} is off", it.id());
        }
        if !self.faulted && self.disk.values().all(|it| it.fate != Fate::Manifest) {
            self.check_that_what_can_run_runs(&by_id, &running);
        }
    }

    /// A good mod without conflicts runs in its newest version.
    fn check_that_what_can_run_runs(&self, by_id: &BTreeMap<String, String>, running: &[&ModManifest]) {
        for content in self.disk.values() {
            let id = name(content.id);
            let concerns = |other: &&Content| other.id == content.id || other.provides == Some(content.id);
            let is_alone = self.disk.values().filter(concerns).count() == 1;
            // An old version that keeps running keeps the names that it provides.
            let is_taken = running.iter().any(|it| it.id() != id && it.provides().any(|name| name == id));
            let is_free = !is_taken && content.requires.is_empty() && content.provides.is_none();
            if content.fate == Fate::Good && is_alone && is_free && !self.slots.off.contains_key(&id) {
                assert_eq!(
                    by_id.get(&id),
                    Some(&format!("{}.0.0", content.version)),
                    "{id} of {:?}",
                    self.disk
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_by_id_say_what_runs(batches in prop::collection::vec(prop::collection::vec(op(), 1..6), 1..12)) {
        let mut world = World::default();
        for batch in batches {
            for op in batch {
                world.act(op);
            }
            world.look();
            world.settle();
            world.check();
        }
    }
}

/// A mod that is only renamed keeps running: no event, and no call of it.
#[test]
fn a_mod_whose_folder_is_renamed_goes_on() {
    let content =
        |id| Content { id, version: 1, requires: BTreeSet::new(), provides: None, fate: Fate::Good };
    let mut world = World::default();
    for id in 0..3 {
        world.act(Op::Put(id, content(id)));
    }
    world.look();
    world.settle();
    // Two exchanged, one renamed.
    world.act(Op::Exchange(0, 1));
    world.act(Op::Rename(2, 3));
    world.look();
    assert!(world.slots.next_step().is_none());
    world.check();
    // One renamed over another, whose files are gone then.
    world.act(Op::Rename(3, 0));
    world.look();
    let Some(Step::Stop(gone, crate::workers::mods::Deactivation::Removed)) = world.slots.next_step() else {
        panic!("it goes on");
    };
    let running = world.slots.take(&gone).expect("it runs");
    world.deactivated(&running);
    assert!(world.slots.next_step().is_none());
    world.check();
    assert_eq!(world.reduced.keys().collect::<Vec<_>>(), ["m0", "m2"]);
    assert_eq!(world.slots.iter().count(), 2, "nothing is left of it");
}
