//! Forgetting what a stable cut covers.

use super::{ChainId, Graph};

impl<Op> Graph<Op> {
    /// Drops runs wholly at or below a Lamport time that is stable, of each chain up to what the cut that says so `had` of it: what others
    /// may still place something behind is kept until a later cut has it. Chains keep their last hash, number and time, so later runs attach; a
    /// head that names a forgotten run is accepted, and its time counts as not above the level.
    pub(crate) fn forget_below(&mut self, level: u64, had: impl Fn(ChainId) -> u64) {
        self.level = self.level.max(level);
        for index in 0..self.chains.len() {
            let id = ChainId::from_index(index);
            let chain = &mut self.chains[index];
            if chain.forget_below(id, level, had(id)) {
                let branches = self.authors.get_mut(&chain.author).expect("a chain's author is known");
                branches.forgotten = branches.forgotten.max(chain.base().mark.next_seq);
            }
        }
        self.gaps.forget_below(level);
    }
}
