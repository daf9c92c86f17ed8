use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::ThreadId,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use control_panel::{
    Stamp, State,
    replica::{Footprint, Undoable},
    testing::{Rng, laws, laws_undoable},
};

use crate::{breaks, failure};

/// What an operation does to a state is all that these cases differ in.
macro_rules! state {
    ($name:ident { $($field:ident: $type:ty),* } |$state:ident, $op:ident| $apply:expr) => {
        #[derive(Clone, Debug, Default, PartialEq)]
        struct $name { $($field: $type),* }

        impl State for $name {
            type Op = u64;

            fn apply(&mut self, $op: &u64, _: &Stamp) {
                let $state = self;
                $apply;
            }
        }
    };
}

fn check<S: State<Op = u64> + Default + std::fmt::Debug + PartialEq>(law: &str) {
    breaks(law, |seed| laws(seed, S::default, |rng, _| rng.below(1_000)));
}

state!(Panics { items: Vec<u64> } |state, op| {
    if op.is_multiple_of(3) {
        let at = usize::try_from(*op).unwrap() % state.items.len();
        state.items.remove(at);
    } else {
        state.items.push(*op);
    }
});
state!(
    OutOfOrder { known: u64 } | state,
    op | {
        assert!(*op <= state.known, "an operation from the future");
        state.known += 1;
    }
);
state!(HashOrder { seen: HashSet<u64>, order: Vec<u64> } |state, op| {
    state.seen.insert(*op);
    state.order = state.seen.iter().copied().collect();
});
state!(FreshHashOrder { items: Vec<u64> } |state, op| {
    let map: HashMap<u64, ()> = state.items.drain(..).chain([*op]).map(|item| (item, ())).collect();
    state.items = map.into_keys().collect();
});
state!(FirstOfMap { seen: HashMap<u64, u64>, first: Option<u64> } |state, op| {
    state.seen.insert(*op, *op);
    state.first = state.seen.keys().next().copied();
});
state!(Clock { at: Option<Instant> } |state, _op| state.at = Some(Instant::now()));
state!(WallClock { at: Option<SystemTime> } |state, _op| state.at = Some(SystemTime::now()));
state!(
    Nanos { at: u128 } | state,
    _op | state.at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()
);
state!(
    Millis { at: u128 } | state,
    _op | state.at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
);
state!(
    Elapsed { ms: u128 } | state,
    _op | {
        static BEGAN: Mutex<Option<Instant>> = Mutex::new(None);
        let began = *BEGAN.lock().unwrap().get_or_insert_with(Instant::now);
        state.ms = (began.elapsed() + Duration::from_secs(1)).as_millis();
    }
);
state!(AddressOfBox { item: Box<u64>, at: usize } |state, op| {
    *state.item += op;
    state.at = &raw const *state.item as usize;
});
state!(
    AddressOfTemporary { at: usize } | state,
    op | {
        let item = Box::new(*op);
        state.at = &raw const *item as usize;
    }
);
state!(AddressOfItself { at: usize } | state, _op | state.at = &raw const *state as usize);
state!(Random { items: Vec<u64> } |state, op| state.items.push(RandomState::new().hash_one(op)));
state!(
    Counter { sum: u64 } | state,
    op | {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        state.sum += op + CALLS.fetch_add(1, Ordering::Relaxed);
    }
);
state!(Thread { by: Option<ThreadId> } |state, _op| state.by = Some(std::thread::current().id()));
state!(
    ThreadLocal { sum: u64 } | state,
    op | {
        thread_local! { static SHARE: Cell<u64> = Cell::new(u64::from(std::thread::current().name().is_some())); }
        state.sum += op + SHARE.get();
    }
);

#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<u64>>);

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        let mine = *self.0.lock().unwrap();
        mine == *other.0.lock().unwrap()
    }
}

impl State for Shared {
    type Op = u64;

    fn apply(&mut self, op: &u64, _: &Stamp) {
        *self.0.lock().unwrap() += op;
    }
}

/// Its clone forgets what later operations read.
#[derive(Debug, Default, PartialEq)]
struct Forgets {
    sum: u64,
    steps: Steps,
}

#[derive(Debug, Default)]
struct Steps(u64);

impl PartialEq for Steps {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Clone for Forgets {
    fn clone(&self) -> Self {
        Self { sum: self.sum, steps: Steps(0) }
    }
}

impl State for Forgets {
    type Op = u64;

    fn apply(&mut self, op: &u64, _: &Stamp) {
        self.steps.0 += 1;
        self.sum += op * self.steps.0;
    }
}

#[test]
fn apply_is_total() {
    check::<Panics>("`apply` is total");
    breaks("`apply` is total", |seed| {
        laws(seed, OutOfOrder::default, |rng, state| rng.below(state.known + 1));
    });
}

#[test]
fn no_hash_map_order() {
    check::<HashOrder>("no HashMap order");
    check::<FreshHashOrder>("no HashMap order");
    // One item of it does not show where it is from: but clones, which share the map's hasher, agree.
    check::<FirstOfMap>("no HashMap order");
}

#[test]
fn no_wall_clock() {
    check::<Clock>("no wall clock");
    check::<WallClock>("no wall clock");
    check::<Nanos>("no wall clock");
    check::<Millis>("no wall clock");
    check::<Elapsed>("no wall clock");
}

#[test]
fn no_address() {
    check::<AddressOfBox>("no address");
    check::<AddressOfTemporary>("no address");
    check::<AddressOfItself>("no address");
}

#[test]
fn no_randomness_no_counter_no_thread() {
    check::<Random>("`apply` is deterministic");
    check::<Counter>("`apply` is deterministic");
    check::<Thread>("no thread");
    check::<ThreadLocal>("no thread");
}

#[test]
fn a_clone_is_its_own() {
    check::<Shared>("a clone is its own");
    check::<Forgets>("a clone is its own");
}

/// A map of counts, right but for what one case breaks.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counts<const CASE: u8> {
    by_key: BTreeMap<u64, u64>,
    total: u64,
}

#[derive(Clone, Debug)]
enum Edit {
    Set(u64, u64),
    Copy(u64, u64),
    Touch,
}

const PARTIAL_UNDO: u8 = 1;
const OTHER_APPLY: u8 = 2;
const LYING_KEYS: u8 = 3;
const LYING_COMMUTES: u8 = 4;
const NOT_IDEMPOTENT: u8 = 5;
const UNDO_OF_ALL: u8 = 6;
const UNDO_PANICS: u8 = 7;

impl<const CASE: u8> State for Counts<CASE> {
    type Op = Edit;

    fn apply(&mut self, op: &Edit, _: &Stamp) {
        match op {
            Edit::Set(key, value) => {
                self.by_key.insert(*key, *value);
            }
            Edit::Copy(from, to) => {
                if let Some(value) = self.by_key.get(from).copied() {
                    self.by_key.insert(*to, value + 1);
                }
            }
            Edit::Touch if CASE == NOT_IDEMPOTENT => self.total += 1,
            Edit::Touch if CASE == LYING_COMMUTES => self.total = self.by_key.values().sum(),
            Edit::Touch => self.total = 1,
        }
    }
}

impl<const CASE: u8> Undoable for Counts<CASE> {
    type Undo = Self;

    fn apply_undoable(&mut self, op: &Edit, stamp: &Stamp) -> Self {
        let before = self.clone();
        self.apply(op, stamp);
        if CASE == OTHER_APPLY && matches!(op, Edit::Copy(..)) {
            self.total += 7;
        }
        before
    }

    fn undo(&mut self, op: &Edit, before: Self) {
        let mut restore = |key: &u64| match before.by_key.get(key) {
            Some(value) => _ = self.by_key.insert(*key, *value),
            None => _ = self.by_key.remove(key),
        };
        match op {
            _ if CASE == UNDO_OF_ALL => *self = before,
            Edit::Copy(..) if CASE == PARTIAL_UNDO => {}
            Edit::Copy(from, _) if CASE == UNDO_PANICS && *from == 3 => panic!("no way\nback"),
            Edit::Set(key, _) | Edit::Copy(_, key) => restore(key),
            Edit::Touch => self.total = before.total,
        }
    }

    fn footprint(op: &Edit) -> Footprint {
        match op {
            Edit::Set(key, _) => Footprint::key(*key),
            Edit::Copy(_, to) if CASE == LYING_KEYS => Footprint::key(*to),
            Edit::Copy(from, to) => Footprint::keys([*from, *to]),
            Edit::Touch => Footprint::Commutes,
        }
    }
}

fn edit(rng: &mut Rng) -> Edit {
    match rng.below(5) {
        0 => Edit::Touch,
        1 | 2 => Edit::Set(rng.below(8), rng.below(100)),
        _ => Edit::Copy(rng.below(8), rng.below(8)),
    }
}

fn undoable<const CASE: u8>(seed: u64) {
    laws_undoable(seed, Counts::<CASE>::default, |rng, _| edit(rng));
}

fn undo_breaks<const CASE: u8>(law: &str) {
    breaks(law, undoable::<CASE>);
}

#[test]
fn the_state_without_a_fault_is_right() {
    (0..5).for_each(undoable::<0>);
}

#[test]
fn undo_is_the_inverse() {
    undo_breaks::<OTHER_APPLY>("`apply_undoable` does what `apply` does");
    undo_breaks::<PARTIAL_UNDO>("`undo` is the inverse");
    undo_breaks::<UNDO_PANICS>("`undo` is the inverse");
}

#[test]
fn footprints_are_true() {
    undo_breaks::<LYING_KEYS>("footprints are true");
    undo_breaks::<UNDO_OF_ALL>("footprints are true");
    undo_breaks::<LYING_COMMUTES>("`Footprint::Commutes` commutes");
    undo_breaks::<NOT_IDEMPOTENT>("`Footprint::Commutes` is idempotent");
}

#[test]
fn a_failure_is_one_line_with_the_operation_and_the_path() {
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Site {
        pages: Vec<Page>,
    }
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Page {
        title: String,
        at: Option<SystemTime>,
    }
    impl State for Site {
        type Op = &'static str;

        fn apply(&mut self, title: &&'static str, _: &Stamp) {
            self.pages.push(Page { title: (*title).to_owned(), at: Some(SystemTime::now()) });
        }
    }
    let message = failure(|| laws(17, Site::default, |_, _| "home"));
    assert!(message.starts_with(
        "law broken: no wall clock: time has no part in `apply`; seed 17, operation \"home\" (1@"
    ));
    assert!(message.contains("): pages[0].at.tv_"), "{message}");
}
