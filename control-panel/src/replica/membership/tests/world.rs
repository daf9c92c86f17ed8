//! The world of the watermark's measurement: delays, loss, a partition, crashes, retirements.

use super::{
    node::{Members, Node, TestRun},
    random::Random,
};
use crate::replica::Grant;

/// What happens in a world.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) members: Members,
    pub(super) rounds: u64,
    /// The last peer hears no one, and no one hears it, for the middle third.
    pub(super) cut_off: bool,
    /// A peer falls into two halves for the middle third.
    pub(super) halves: bool,
    /// Of a hundred rounds of a peer, in how many it goes on as its next life.
    pub(super) crashes: u64,
    /// The first owner retires the last peer while it is cut off.
    pub(super) retires: bool,
    /// How many peers more listen, and write once they were invited. Where none quarrels, the first owner invites the last of
    /// these a third through.
    pub(super) joiners: u8,
    /// Of a thousand rounds of a peer, in how many it retires or invites another, if it believes that it may.
    pub(super) quarrels: u64,
}

struct Message {
    due: u64,
    to: usize,
    runs: Vec<TestRun>,
}

pub(super) struct World {
    plan: Plan,
    random: Random,
    pub(super) nodes: Vec<Node>,
    messages: Vec<Message>,
    round: u64,
    writes: u64,
}

impl World {
    pub(super) fn new(seed: u64, plan: &Plan) -> Self {
        let numbers = 0..u8::try_from(plan.members.len()).expect("few") + plan.joiners;
        let nodes = numbers.map(|number| Node::new(&plan.members, number)).collect();
        Self {
            plan: plan.clone(),
            random: Random::new(seed),
            nodes,
            messages: Vec::new(),
            round: 0,
            writes: 0,
        }
    }

    /// Plays all rounds, then lets all messages through until no one owes an acknowledgement.
    pub(super) fn play(&mut self) {
        let retires_at = self.plan.rounds * 3 / 5;
        let invites = self.plan.joiners > 0 && self.plan.quarrels == 0;
        while self.round < self.plan.rounds {
            self.deliver();
            for of in 0..self.nodes.len() {
                if self.random.below(1000) < self.plan.crashes * 10 {
                    self.nodes[of].restart();
                }
                if self.plan.retires && of == 0 && self.round == retires_at {
                    let last = self.nodes.last().expect("several").me.peer;
                    let run = self.nodes[0].retire(last);
                    self.send(0, &run);
                } else if invites && of == 0 && self.round == self.plan.rounds / 3 {
                    let last = self.nodes.last().expect("several").me.peer;
                    let run = self.nodes[0].invite(last, Grant::Write);
                    self.send(0, &run);
                } else {
                    self.act(of);
                }
            }
            self.round += 1;
        }
        self.fall_silent();
    }

    fn act(&mut self, of: usize) {
        let node = &mut self.nodes[of];
        let grant = node.membership.members().get(&node.me.peer).copied();
        let Some(grant) = grant else { return };
        let made = if grant == Grant::Owner && self.random.below(1000) < self.plan.quarrels {
            let target = self.nodes[self.random.index(self.nodes.len())].me.peer;
            let node = &mut self.nodes[of];
            let is_member = node.membership.members().contains_key(&target);
            if is_member { node.retire(target) } else { node.invite(target, Grant::Owner) }
        } else if grant >= Grant::Write && self.random.percent(25) {
            self.writes += 1;
            node.write(self.writes)
        } else if node.membership.ack_due() {
            node.ack()
        } else {
            return;
        };
        self.send(of, &made);
    }

    /// Late, out of order, twice, or lost and asked for again.
    fn send(&mut self, of: usize, run: &TestRun) {
        for to in (0..self.nodes.len()).filter(|to| *to != of) {
            let lost = if self.random.percent(10) { 40 } else { 0 };
            for _ in 0..=u64::from(self.random.percent(10)) {
                let due = self.round + 1 + self.random.below(12) + lost;
                let due = if self.is_cut(of, to) { due.max(self.plan.rounds * 2 / 3 + 1) } else { due };
                self.messages.push(Message { due, to, runs: vec![run.clone()] });
            }
        }
    }

    fn is_cut(&self, of: usize, to: usize) -> bool {
        let third = self.plan.rounds / 3;
        let last = self.nodes.len() - 1;
        (third..2 * third).contains(&self.round)
            && (self.plan.cut_off && (of == last || to == last) || self.plan.halves && of % 2 != to % 2)
    }

    fn deliver(&mut self) {
        let round = self.round;
        for message in self.messages.extract_if(.., |message| message.due <= round) {
            self.nodes[message.to].take(&message.runs);
        }
    }

    fn fall_silent(&mut self) {
        for _ in 0..200 {
            let all: Vec<TestRun> = self.nodes.iter().flat_map(|node| node.log.clone()).collect();
            for node in &mut self.nodes {
                node.take(&all);
            }
            let mut quiet = true;
            for node in &mut self.nodes {
                if node.membership.ack_due() {
                    node.ack();
                    quiet = false;
                }
            }
            if quiet {
                return;
            }
        }
        panic!("acknowledgements go on and on");
    }

    /// What no world may show, however its peers quarrel: all end with the same, whatever came first to each.
    pub(super) fn check(&self, seed: u64) {
        for node in &self.nodes {
            assert_eq!(node.wrong, [""; 0], "seed {seed}");
            assert_eq!(node.log.len(), self.nodes[0].log.len(), "seed {seed}");
            assert!(node.judged() == self.nodes[0].judged(), "seed {seed}: verdicts differ");
            assert_eq!(node.finals(), self.nodes[0].finals(), "seed {seed}, {}", node.me);
            let is_member = node.membership.members().contains_key(&node.me.peer);
            assert!(
                !is_member || !node.membership.finds_final(),
                "seed {seed}, {}: it could say more",
                node.me
            );
            assert_eq!(node.membership.members(), self.nodes[0].membership.members(), "seed {seed}");
        }
    }
}
