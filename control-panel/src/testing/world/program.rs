//! What the user of a world gives it.

use std::{fmt::Debug, marker::PhantomData};

use crate::{
    replica::{ReplicaBuilder, State},
    testing::Rng,
};

/// A state, how its replicas are set up, and what is edited.
pub(super) trait Program {
    type State: State<Op: Debug> + Debug + PartialEq;

    fn init(&self) -> Self::State;
    fn build(&self, builder: ReplicaBuilder<Self::State>) -> ReplicaBuilder<Self::State>;
    fn edit(&mut self, rng: &mut Rng, peer: usize, state: &Self::State) -> Option<Op<Self>>;
}

pub(super) type Op<P> = <<P as Program>::State as State>::Op;

/// A program of three closures.
pub(super) struct Closures<S, I, B, E> {
    init: I,
    build: B,
    edit: E,
    state: PhantomData<fn() -> S>,
}

impl<S, I, B, E> Closures<S, I, B, E> {
    pub(super) fn new(init: I, build: B, edit: E) -> Self {
        Self { init, build, edit, state: PhantomData }
    }
}

impl<S, I, B, E> Program for Closures<S, I, B, E>
where
    S: State<Op: Debug> + Debug + PartialEq,
    I: Fn() -> S,
    B: Fn(ReplicaBuilder<S>) -> ReplicaBuilder<S>,
    E: FnMut(&mut Rng, usize, &S) -> Option<S::Op>,
{
    type State = S;

    fn init(&self) -> S {
        (self.init)()
    }

    fn build(&self, builder: ReplicaBuilder<S>) -> ReplicaBuilder<S> {
        (self.build)(builder)
    }

    fn edit(&mut self, rng: &mut Rng, peer: usize, state: &S) -> Option<S::Op> {
        (self.edit)(rng, peer, state)
    }
}
