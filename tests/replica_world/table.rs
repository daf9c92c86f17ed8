use std::sync::OnceLock;

use control_panel::{
    Stamp, State,
    replica::{Footprint, Undoable},
    testing::Rng,
};

/// How many states there are, and how many operations.
const STATES: usize = 64;
const OPERATIONS: usize = 16;

/// A random permutation of 64 states for each operation: nearly no two of them commute, and none forgets where it came from,
/// so that one operation too many, too few or in another place shows at the end.
fn table() -> &'static [[u8; STATES]; OPERATIONS] {
    static TABLE: OnceLock<[[u8; STATES]; OPERATIONS]> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut rng = Rng::new(0x7AB1E);
        [(); OPERATIONS].map(|()| {
            let mut row = std::array::from_fn(|state| u8::try_from(state).expect("fewer than 256"));
            rng.shuffle(&mut row);
            row
        })
    })
}

/// Some machines side by side, each in one of 64 states.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Machines {
    pub(crate) states: [u8; 4],
}

/// Takes one machine on; by the state of another one where that is named.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) machine: usize,
    pub(crate) operation: usize,
    pub(crate) reads: Option<usize>,
}

impl Machines {
    fn turned(&self, turn: &Turn) -> u8 {
        let shift = turn.reads.map_or(0, |other| usize::from(self.states[other]));
        let row = (turn.operation + shift) % OPERATIONS;
        table()[row][usize::from(self.states[turn.machine])]
    }
}

impl State for Machines {
    type Op = Turn;

    fn apply(&mut self, turn: &Turn, _: &Stamp) {
        self.states[turn.machine] = self.turned(turn);
    }
}

impl Undoable for Machines {
    type Undo = u8;

    fn apply_undoable(&mut self, turn: &Turn, _: &Stamp) -> u8 {
        let turned = self.turned(turn);
        std::mem::replace(&mut self.states[turn.machine], turned)
    }

    fn undo(&mut self, turn: &Turn, before: u8) {
        self.states[turn.machine] = before;
    }

    fn footprint(turn: &Turn) -> Footprint {
        match turn.reads {
            // Some that say all, so that both ways meet in one run.
            Some(other) if other == turn.machine => Footprint::All,
            Some(other) => Footprint::keys([turn.machine as u64, other as u64]),
            None => Footprint::key(turn.machine as u64),
        }
    }
}

/// A random operation.
pub(crate) fn turn(rng: &mut Rng) -> Turn {
    Turn {
        machine: rng.index(4),
        operation: rng.index(OPERATIONS),
        reads: rng.chance(30).then(|| rng.index(4)),
    }
}

/// In three of ten frames.
pub(crate) fn edit(rng: &mut Rng, _peer: usize, _: &Machines) -> Option<Turn> {
    rng.chance(30).then(|| turn(rng))
}

#[test]
fn the_table_keeps_the_laws() {
    for seed in 0..5 {
        control_panel::testing::laws_undoable(seed, Machines::default, |rng, _| turn(rng));
    }
}
