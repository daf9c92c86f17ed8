//! What is undone was not.

use std::fmt::Debug;

use super::{
    super::Rng,
    agree,
    broken::{BrokenLaw, Law, Shows, catch},
    script::{Script, stamp},
};
use crate::replica::{Footprint, Stamp, State, Undoable};

/// How many operations are undone in a row.
const DEPTH: usize = 16;
/// How many operations of one state, and of others, are tried in pairs at each step.
const RIVALS: (usize, usize) = (3, 2);

type Placed<S> = (Stamp, <S as State>::Op);

pub(super) fn check<S>(
    script: &Script<S>,
    init: &impl Fn() -> S,
    mut edit: impl FnMut(&mut Rng, &S) -> S::Op,
) -> Result<(), BrokenLaw>
where
    S: Undoable + Debug + PartialEq,
    S::Op: Debug,
{
    in_reverse(script, init)?;
    let mut rng = Rng::new(script.seed).fork();
    let mut state = init();
    for step in 0..script.steps.len() {
        let at = script.steps[step].0.lamport;
        let mut rivals: Vec<Placed<S>> =
            (0..RIVALS.0).map(|_| (stamp(at, &mut rng), edit(&mut rng.fork(), &state))).collect();
        rivals.extend((0..RIVALS.1).map(|_| script.steps[rng.index(script.steps.len())].clone()));
        rivals.push(script.steps[step].clone());
        pairs(script.seed, &state, &rivals)?;
        script.apply(&mut state, step)?;
    }
    Ok(())
}

/// Each operation alone, and some in a row.
fn in_reverse<S>(script: &Script<S>, init: &impl Fn() -> S) -> Result<(), BrokenLaw>
where
    S: Undoable + Debug + PartialEq,
    S::Op: Debug,
{
    let (mut state, mut long_ago, mut undos) = (init(), init(), Vec::new());
    for step in 0..script.steps.len() {
        undos.push(there_and_back(script, &mut state, step)?);
        if undos.len() < DEPTH {
            continue;
        }
        let mut back = state.clone();
        for (depth, undo) in undos.drain(..).rev().enumerate() {
            let undone = step - depth;
            catch(|| back.undo(&script.steps[undone].1, undo))
                .map_err(|shows| script.broken(Law::UndoIsInverse, undone, shows))?;
        }
        if !agree(&long_ago, &back) {
            let shows = Shows::differ(&long_ago, &back);
            return Err(script.broken(Law::UndoIsInverse, step + 1 - DEPTH, shows));
        }
        long_ago = state.clone();
    }
    Ok(())
}

/// Applies, undoes, and applies again.
fn there_and_back<S>(script: &Script<S>, state: &mut S, step: usize) -> Result<S::Undo, BrokenLaw>
where
    S: Undoable + Debug + PartialEq,
    S::Op: Debug,
{
    let (stamp, op) = &script.steps[step];
    let broken = |law| move |shows| script.broken(law, step, shows);
    let same = |law, expected: &S, found: &S| {
        if agree(expected, found) {
            Ok(())
        } else {
            Err(script.broken(law, step, Shows::differ(expected, found)))
        }
    };
    let (before, mut applied) = (state.clone(), state.clone());
    script.apply(&mut applied, step)?;
    let undo = catch(|| state.apply_undoable(op, stamp)).map_err(broken(Law::Total))?;
    same(Law::UndoableIsApply, &applied, state)?;
    catch(|| state.undo(op, undo)).map_err(broken(Law::UndoIsInverse))?;
    same(Law::UndoIsInverse, &before, state)?;
    let undo = catch(|| state.apply_undoable(op, stamp)).map_err(broken(Law::Total))?;
    same(Law::UndoIsInverse, &applied, state)?;
    Ok(undo)
}

/// Operations whose footprints do not meet.
fn pairs<S>(seed: u64, state: &S, rivals: &[Placed<S>]) -> Result<(), BrokenLaw>
where
    S: Undoable + Debug + PartialEq,
    S::Op: Debug,
{
    for (n, first) in rivals.iter().enumerate() {
        if S::footprint(&first.1) == Footprint::Commutes {
            let pair = [first.clone(), first.clone()];
            let once = after(seed, state, &pair[..1])?;
            let twice = after(seed, state, &pair)?;
            expect(seed, Law::Idempotent, &pair[..1], &once, &twice)?;
        }
        for second in &rivals[n + 1..] {
            let (mine, theirs) = (S::footprint(&first.1), S::footprint(&second.1));
            if mine.meets(&theirs) {
                continue;
            }
            let commutes = mine == Footprint::Commutes || theirs == Footprint::Commutes;
            let law = if commutes { Law::Commutes } else { Law::TrueFootprints };
            let (pair, turned) = ([first.clone(), second.clone()], [second.clone(), first.clone()]);
            expect(seed, law, &pair, &after(seed, state, &pair)?, &after(seed, state, &turned)?)?;
            // The first is taken back while the second stays.
            if mine != Footprint::Commutes {
                let mut left = state.clone();
                let taken_back = catch(|| {
                    let undo = left.apply_undoable(&first.1, &first.0);
                    left.apply_undoable(&second.1, &second.0);
                    left.undo(&first.1, undo);
                });
                let law = Law::TrueFootprints;
                taken_back.map_err(|shows| BrokenLaw::new(law, seed, &pair, shows))?;
                expect(seed, law, &pair, &after(seed, state, &pair[1..])?, &left)?;
            }
        }
    }
    Ok(())
}

fn after<S>(seed: u64, state: &S, operations: &[Placed<S>]) -> Result<S, BrokenLaw>
where
    S: Undoable,
    S::Op: Debug,
{
    let mut state = state.clone();
    for (n, (stamp, op)) in operations.iter().enumerate() {
        catch(|| state.apply(op, stamp))
            .map_err(|shows| BrokenLaw::new(Law::Total, seed, &operations[n..=n], shows))?;
    }
    Ok(state)
}

fn expect<S>(seed: u64, law: Law, pair: &[Placed<S>], expected: &S, found: &S) -> Result<(), BrokenLaw>
where
    S: State + Debug + PartialEq,
    S::Op: Debug,
{
    if agree(expected, found) {
        Ok(())
    } else {
        Err(BrokenLaw::new(law, seed, pair, Shows::differ(expected, found)))
    }
}
