//! The laws of a state that replicas share.

mod broken;
mod determinism;
mod script;
mod undo;

use std::fmt::Debug;

use self::{broken::BrokenLaw, script::Script};
use super::{Rng, difference};
use crate::replica::{State, Undoable};

/// Checks what [`State`] asks of `apply`: that it is total and deterministic, and that a clone is a value of its own.
///
/// `edit` returns a random operation that makes sense in a state; 200 of them, by three authors, are the script. `init` is called
/// for each state, so that no two share what a clone would (a `HashMap`'s hasher): replicas on two machines share nothing either.
///
/// - **total**: the script in its order and in three others, where most operations come before what they make sense with: none panics.
/// - **a clone is its own**: operations on one leave the other, and both go on alike.
/// - **deterministic**: the script twice, with each operation's result compared: again immediately (randomness, counters, `HashMap` order),
///   with other memory in use (addresses), on other threads (thread ids, thread-locals), and 2 ms later (clocks; one that is read in
///   whole seconds may be missed).
///
/// States are compared with `==`. One with a NaN in it, which is not equal to itself, is compared by its `Debug` output.
///
/// Takes some 30 ms, and the time of about 3,500 operations and half as many clones.
///
/// # Panics
/// If a law is broken: one line with the law, the seed, the operation, and the path in the state that differs (see
/// [`difference`]). If `edit` panics.
///
/// ```
/// use control_panel::{Stamp, State, testing};
///
/// #[derive(Clone, Debug, Default, PartialEq)]
/// struct Pages(Vec<String>);
///
/// #[derive(Clone, Debug)]
/// enum Edit {
///     Add(String),
///     Remove { page: usize },
/// }
///
/// impl State for Pages {
///     type Op = Edit;
///
///     fn apply(&mut self, op: &Edit, _: &Stamp) {
///         match op {
///             Edit::Add(name) => self.0.push(name.clone()),
///             Edit::Remove { page } if *page < self.0.len() => {
///                 drop(self.0.remove(*page))
///             }
///             Edit::Remove { .. } => {}
///         }
///     }
/// }
///
/// testing::laws(17, Pages::default, |rng, pages| match rng.below(2) {
///     1 if !pages.0.is_empty() => Edit::Remove { page: rng.index(pages.0.len()) },
///     _ => Edit::Add(format!("page {}", rng.below(100))),
/// });
/// ```
///
/// Without the guard in `Remove`, it fails with `law broken: apply is total: …`.
#[track_caller]
pub fn laws<S>(seed: u64, init: impl Fn() -> S, edit: impl FnMut(&mut Rng, &S) -> S::Op)
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
{
    if let Err(broken) = check(seed, &init, edit) {
        panic!("{broken}");
    }
}

/// Checks what [`laws`] does, and what [`Undoable`] asks: that what is undone was not.
///
/// - **`apply_undoable` does what `apply` does.**
/// - **undo is the inverse**: the state is what it was, after one operation and after 16 undone in reverse; and applying again gives the
///   same, so that nothing is left behind that `==` does not see.
/// - **footprints are true**: of two operations whose footprints do not meet, the order does not matter, and the first can be undone
///   after the second.
/// - **what commutes is idempotent**: an operation of [`Footprint::Commutes`](crate::replica::Footprint::Commutes), applied twice,
///   changes nothing the second time.
///
/// Pairs are made of operations that `edit` returns for one state, and of some that it returned for others. Takes some 10,000 operations
/// and as many clones beside those of [`laws`].
///
/// # Panics
/// As [`laws`] does.
///
/// ```
/// use control_panel::{
///     Stamp, State,
///     replica::{Footprint, Undoable},
///     testing,
/// };
/// use std::collections::BTreeMap;
///
/// #[derive(Clone, Debug, Default, PartialEq)]
/// struct Scores(BTreeMap<u64, i64>);
///
/// impl State for Scores {
///     type Op = (u64, i64);
///
///     fn apply(&mut self, (player, score): &(u64, i64), _: &Stamp) {
///         self.0.insert(*player, *score);
///     }
/// }
///
/// impl Undoable for Scores {
///     type Undo = Option<i64>;
///
///     fn apply_undoable(
///         &mut self,
///         (player, score): &(u64, i64),
///         _: &Stamp,
///     ) -> Option<i64> {
///         self.0.insert(*player, *score)
///     }
///
///     fn undo(&mut self, (player, _): &(u64, i64), before: Option<i64>) {
///         match before {
///             Some(score) => self.0.insert(*player, score),
///             None => self.0.remove(player),
///         };
///     }
///
///     fn footprint((player, _): &(u64, i64)) -> Footprint {
///         Footprint::key(*player)
///     }
/// }
///
/// testing::laws_undoable(17, Scores::default, |rng, _| (rng.below(5), 1));
/// ```
#[track_caller]
pub fn laws_undoable<S>(seed: u64, init: impl Fn() -> S, mut edit: impl FnMut(&mut Rng, &S) -> S::Op)
where
    S: Undoable + Debug + PartialEq,
    S::Op: Debug,
{
    let checked = check(seed, &init, &mut edit).and_then(|script| undo::check(&script, &init, edit));
    if let Err(broken) = checked {
        panic!("{broken}");
    }
}

fn check<S>(
    seed: u64,
    init: &impl Fn() -> S,
    edit: impl FnMut(&mut Rng, &S) -> S::Op,
) -> Result<Script<S>, BrokenLaw>
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
{
    let script = Script::write(seed, init(), edit)?;
    script.read_in_other_orders(init)?;
    determinism::clones_are_their_own(&script, init)?;
    determinism::repeats(&script, init)?;
    determinism::clones_go_on(&script, init)?;
    Ok(script)
}

/// Whether two states are the same: equal, or, where a NaN makes them differ from themselves, of one output.
pub(super) fn agree<S: Debug + PartialEq>(left: &S, right: &S) -> bool {
    let itself = |state: &S| state.eq(state);
    left == right || (!itself(left) && !itself(right) && difference(left, right).is_none())
}
