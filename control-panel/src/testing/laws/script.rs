//! The operations that the laws are tried with.

use std::fmt::Debug;

use super::{
    super::Rng,
    broken::{BrokenLaw, Law, Shows, catch},
};
use crate::replica::{Author, Peer, Stamp, State};

/// How many.
const LENGTH: u64 = 200;
const AUTHORS: u64 = 3;

pub(super) struct Script<S: State> {
    pub(super) seed: u64,
    pub(super) steps: Vec<(Stamp, S::Op)>,
}

/// The place of an operation at this Lamport time.
pub(super) fn stamp(lamport: u64, rng: &mut Rng) -> Stamp {
    let peer = u8::try_from(1 + rng.below(AUTHORS)).unwrap_or(1);
    Stamp { lamport, author: Author { peer: Peer([peer; 32]), incarnation: 0 }, seq: lamport }
}

impl<S> Script<S>
where
    S: State + Debug,
    S::Op: Debug,
{
    pub(super) fn write(
        seed: u64,
        mut state: S,
        mut edit: impl FnMut(&mut Rng, &S) -> S::Op,
    ) -> Result<Self, BrokenLaw> {
        let mut rng = Rng::new(seed);
        let mut script = Self { seed, steps: Vec::new() };
        for lamport in 1..=LENGTH {
            // One number for the operation and one for its author, so that `edit` may draw as many as it likes.
            let op = edit(&mut rng.fork(), &state);
            script.steps.push((stamp(lamport, &mut rng), op));
            script.apply(&mut state, script.steps.len() - 1)?;
        }
        Ok(script)
    }

    /// Total: most operations come before what they make sense with.
    pub(super) fn read_in_other_orders(&self, init: &impl Fn() -> S) -> Result<(), BrokenLaw> {
        let mut rng = Rng::new(self.seed).fork();
        let mut order: Vec<usize> = (0..self.steps.len()).rev().collect();
        for _ in 0..3 {
            let mut state = init();
            order.iter().try_for_each(|step| self.apply(&mut state, *step))?;
            rng.shuffle(&mut order);
        }
        Ok(())
    }

    pub(super) fn apply(&self, state: &mut S, step: usize) -> Result<(), BrokenLaw> {
        let (stamp, op) = &self.steps[step];
        catch(|| state.apply(op, stamp)).map_err(|shows| self.broken(Law::Total, step, shows))
    }

    pub(super) fn broken(&self, law: Law, step: usize, shows: Shows) -> BrokenLaw {
        BrokenLaw::new(law, self.seed, &self.steps[step..=step], shows)
    }
}
