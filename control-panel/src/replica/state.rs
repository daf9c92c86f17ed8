//! What a user implements: a state that replicas agree on, and how it goes back.

use std::hash::{Hash, Hasher};

use super::{Stamp, mix::Mix};

/// What all replicas of a group agree on: a value, and how one operation changes it.
///
/// `apply` must be **deterministic**: it reads and writes `self`, `op` and `stamp` and nothing else. No wall clock, no
/// randomness, no `HashMap` iteration into the result, no address. And **total**: an operation that makes no sense in this state
/// (a link to a page that is gone) changes nothing, because on another replica it may arrive before what it makes
/// sense with. `testing::laws` checks both.
///
/// It is not a second [`Reducer`](crate::Reducer): a reducer takes a `QueuedIntent`, which carries an instant, a source and an
/// origin of one panel; none of them is the same elsewhere. A local intent reaches shared state only by
/// [`Replica::commit`](super::Replica::commit).
///
/// Positions in a list or a text mean something only in the version that their author saw: an operation `Insert(index, …)` converges to
/// the same wrong text everywhere. Embed a document type for those, with [`Footprint::Commutes`].
///
/// ```
/// use control_panel::{Stamp, State};
///
/// #[derive(Clone, Default)]
/// struct Pages(Vec<String>);
///
/// #[derive(Clone)]
/// enum Edit { Add(String), Rename { page: usize, to: String } }
///
/// impl State for Pages {
///     type Op = Edit;
///
///     fn apply(&mut self, op: &Edit, _: &Stamp) {
///         match op {
///             Edit::Add(name) => self.0.push(name.clone()),
///             // Total: a page that is not there is not renamed.
///             Edit::Rename { page, to } => {
///                 if let Some(name) = self.0.get_mut(*page) {
///                     name.clone_from(to);
///                 }
///             }
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no state that replicas can share",
    label = "not a `State`",
    note = "write `impl control_panel::State for {Self} {{ type Op = …; fn apply(&mut self, op: &Self::Op, stamp: &control_panel::Stamp) {{ … }} }}`"
)]
pub trait State: Clone + Send + Sync + 'static {
    /// What changes it.
    type Op: Clone + Send + Sync + 'static;

    /// Applies one operation.
    ///
    /// # Panics
    /// A panic is caught, and reported by [`Replica::settle`](super::Replica::settle) ([`Poisoned`](super::ReplicaNotice::Poisoned)). Where all members run the same
    /// [reducer](super::ReplicaBuilder::fingerprint) the operation is void, else the replica stops before it.
    fn apply(&mut self, op: &Self::Op, stamp: &Stamp);
}

/// A state that can take an operation back, for replicas that would otherwise clone it.
///
/// Going back then costs the operations undone, whatever the size of the state. Chosen with
/// [`ReplicaBuilder::undoing`](super::ReplicaBuilder::undoing).
///
/// ```
/// use std::collections::BTreeMap;
///
/// use control_panel::{
///     Stamp, State,
///     replica::{Footprint, Undoable},
/// };
///
/// #[derive(Clone, Default)]
/// struct Scores(BTreeMap<u32, i64>);
///
/// impl State for Scores {
///     type Op = (u32, i64);
///
///     fn apply(&mut self, (player, score): &(u32, i64), _: &Stamp) {
///         self.0.insert(*player, *score);
///     }
/// }
///
/// impl Undoable for Scores {
///     type Undo = Option<i64>;
///
///     fn apply_undoable(
///         &mut self,
///         (player, score): &(u32, i64),
///         _: &Stamp,
///     ) -> Option<i64> {
///         self.0.insert(*player, *score)
///     }
///
///     fn undo(&mut self, (player, _): &(u32, i64), before: Option<i64>) {
///         match before {
///             Some(score) => self.0.insert(*player, score),
///             None => self.0.remove(player),
///         };
///     }
///
///     fn footprint((player, _): &(u32, i64)) -> Footprint {
///         Footprint::key(u64::from(*player))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot take an operation back",
    label = "not `Undoable`",
    note = "implement `control_panel::replica::Undoable` for `{Self}`, or drop `.undoing()`: a replica goes back by clones then"
)]
pub trait Undoable: State {
    /// What taking an operation back needs.
    type Undo: Send + Sync + 'static;

    /// Does what [`apply`](State::apply) does, and returns what [`undo`](Undoable::undo) needs. The record is kept until the operation is stable.
    fn apply_undoable(&mut self, op: &Self::Op, stamp: &Stamp) -> Self::Undo;

    /// Takes back the operation applied last, or one behind which only operations came whose [footprints](Self::footprint) do not meet its own: the state is what it
    /// would be without it.
    ///
    /// # Panics
    /// A panic is caught; the replica goes on from a clone that it kept.
    fn undo(&mut self, op: &Self::Op, undo: Self::Undo);

    /// What the operation reads and writes, whatever the state. A late operation whose footprint no later one shares is applied where
    /// it arrives; otherwise only those that share keys with it, and those that share keys with them, are undone and redone.
    fn footprint(op: &Self::Op) -> Footprint {
        let _ = op;
        Footprint::All
    }
}

/// What an operation reads and writes.
///
/// ```
/// use control_panel::replica::Footprint;
///
/// let (move_a_to_b, edit_b) = (Footprint::keys([1, 2]), Footprint::key(2));
/// assert!(move_a_to_b.meets(&edit_b));
/// assert!(!Footprint::Commutes.meets(&Footprint::All));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Footprint {
    /// Possibly everything.
    All,
    /// These keys and nothing else. What a key stands for is the state's own affair; [`of`](Self::of) hashes what is no number. A collision
    /// costs an undo, never the result.
    Keys(Keys),
    /// The result is the same wherever it is applied, and applying it twice changes nothing (an update of an embedded document). Never undone.
    Commutes,
}

/// The keys of a [`Footprint`]: one to three without an allocation.
///
/// ```
/// use control_panel::replica::Footprint;
///
/// let Footprint::Keys(keys) = Footprint::keys([3, 1]) else { unreachable!() };
/// assert_eq!(keys.as_slice(), [3, 1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(KeysInner);

#[derive(Clone, Debug, PartialEq, Eq)]
enum KeysInner {
    Few(usize, [u64; 3]),
    Many(Box<[u64]>),
}

impl Keys {
    /// The keys, as they were given: in no order, some perhaps twice.
    pub fn as_slice(&self) -> &[u64] {
        match &self.0 {
            KeysInner::Few(count, keys) => &keys[..*count],
            KeysInner::Many(keys) => keys,
        }
    }
}

impl Footprint {
    /// One key.
    pub fn key(key: u64) -> Self {
        Self::Keys(Keys(KeysInner::Few(1, [key, 0, 0])))
    }

    /// One key of any kind, by its hash. It costs a few nanoseconds, and is no secret: a peer that chooses keys can make them collide.
    ///
    /// ```
    /// use control_panel::replica::Footprint;
    ///
    /// assert!(Footprint::of("title").meets(&Footprint::of("title")));
    /// assert!(!Footprint::of("title").meets(&Footprint::of("text")));
    /// ```
    pub fn of(key: &(impl Hash + ?Sized)) -> Self {
        let mut hash = Mix::default();
        key.hash(&mut hash);
        Self::key(hash.finish())
    }

    /// Several keys, in any order; none at all meets nothing but [`All`](Self::All).
    pub fn keys(keys: impl IntoIterator<Item = u64>) -> Self {
        let mut few = [0; 3];
        let mut keys = keys.into_iter();
        for count in 0..=few.len() {
            let Some(key) = keys.next() else {
                return Self::Keys(Keys(KeysInner::Few(count, few)));
            };
            match few.get_mut(count) {
                Some(place) => *place = key,
                None => {
                    return Self::Keys(Keys(KeysInner::Many(
                        few.into_iter().chain([key]).chain(keys).collect(),
                    )));
                }
            }
        }
        unreachable!("the loop returns at its last turn")
    }

    /// Whether the order of two such operations can matter. Costs a comparison of each key with each.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Commutes, _) | (_, Self::Commutes) => false,
            (Self::Keys(mine), Self::Keys(theirs)) => {
                mine.as_slice().iter().any(|key| theirs.as_slice().contains(key))
            }
            _ => true,
        }
    }
}
