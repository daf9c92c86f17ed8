//! Row 14 in a group that falls silent: what two lives of one peer made void between them comes back without another word from anyone.

use std::{collections::VecDeque, sync::Arc};

use super::forger::{Letters, builder, peer};
use crate::replica::{
    Grant, Replica, ReplicaNotice,
    keeper::{Checkpoint, Keeper},
    run::Run,
};

/// What is handed over is durable so many calls later.
#[derive(Default)]
struct Slow {
    late: usize,
    taken: u64,
    handed_over: VecDeque<u64>,
    durable: u64,
}

impl Keeper<Letters> for Slow {
    fn keep(&mut self, _: &Arc<Run<char>>) {
        self.taken += 1;
    }

    fn give_back(&mut self, _: &Arc<Run<char>>) {}

    fn begin_again(&mut self, _: Checkpoint<Letters>) {}

    fn flush(&mut self) -> Option<u64> {
        self.handed_over.push_back(self.taken);
        if self.handed_over.len() > self.late {
            self.durable = self.handed_over.pop_front().unwrap_or(self.durable);
        }
        Some(self.taken)
    }

    fn durable(&self) -> u64 {
        self.durable
    }

    fn accepts(&self) -> bool {
        true
    }

    fn has_room(&self) -> bool {
        true
    }
}

/// A program: it asks for what is void where a notice says that there is some.
struct Program {
    replica: Replica<Letters>,
    returned: Vec<char>,
}

impl Program {
    fn new(number: u8, of: u8, life: u32, late: Option<usize>) -> Self {
        let mut replica = builder(number, of).incarnation(life).build();
        if let Some(late) = late {
            replica.set_keeper(Box::new(Slow { late, ..Slow::default() }), 0);
        }
        Self { replica, returned: Vec::new() }
    }

    fn frame(&mut self) {
        let notices = self.replica.settle().notices;
        if notices.iter().any(|notice| matches!(notice, ReplicaNotice::OwnVoid { .. })) {
            let me = self.replica.author();
            for (stamp, letter) in self.replica.take_void() {
                if stamp.author == me {
                    self.returned.push(letter);
                    self.replica.commit(letter);
                }
            }
        }
        drop(self.replica.outbox());
    }
}

struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn exchange(programs: &mut [Program], one: usize, other: usize) {
    for (from, to) in [(one, other), (other, one)] {
        let delta = programs[from].replica.since(programs[to].replica.version());
        programs[to].replica.merge(delta);
    }
}

/// Of a group of so many, the last in two lives. `late`: when what is handed to the journal is durable; `None` without one. Returns how many letters came back.
fn run(seed: u64, of: u8, late: Option<usize>) -> usize {
    let mut rng = Rng(seed);
    let mut programs: Vec<_> = (1..=of).map(|number| Program::new(number, of, 0, late)).collect();
    programs.push(Program::new(of, of, 1, late));
    let (mut said, all) = (0_u8, programs.len() as u64);
    let pick = |rng: &mut Rng, all: u64| usize::try_from(rng.below(all)).unwrap();
    for _ in 0..40 {
        for program in &mut programs {
            if rng.below(8) == 0 {
                program.replica.commit(char::from(b'A' + said));
                said += 1;
            }
            program.frame();
        }
        let (one, other) = (pick(&mut rng, all), pick(&mut rng, all));
        if one != other && said < 50 {
            exchange(&mut programs, one, other);
        }
    }
    // None says more of its own. All are in contact with the first.
    let mut versions = Vec::new();
    for _ in 0..60 {
        programs.iter_mut().for_each(Program::frame);
        (1..programs.len()).for_each(|other| exchange(&mut programs, 0, other));
        versions.push(programs[0].replica.version().clone());
    }
    assert!(versions[40..].windows(2).all(|pair| pair[0] == pair[1]), "seed {seed}: they never fall silent");
    for program in &mut programs {
        let mut letters: Vec<_> = program.replica.state().0.chars().collect();
        letters.sort_unstable();
        let expected: Vec<_> = (0..said).map(|at| char::from(b'A' + at)).collect();
        assert_eq!(letters, expected, "seed {seed}: {:?}", program.replica);
        assert!(program.replica.members().any(|it| it == (peer(of), Grant::Owner)));
    }
    programs.iter().map(|program| program.returned.len()).sum()
}

#[test]
fn what_is_void_comes_back_when_all_fall_silent() {
    for late in [None, Some(0), Some(1), Some(4)] {
        for of in [2, 3] {
            let returned: usize = (0..60).map(|seed| run(seed, of, late)).sum();
            assert!(returned > 10, "{late:?}, {of}: {returned} is too few to show anything");
        }
    }
}
