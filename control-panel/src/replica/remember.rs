//! What others know of this replica's own author, and it does not.

use std::collections::BTreeSet;

use super::{Replica, ReplicaNotice, State, Version};

/// In how many frames an acknowledgement that is due waits for what is missing.
const FRAMES: u32 = 600;

/// What this replica's author made elsewhere, or in a log that is lost.
pub(super) struct Missing {
    /// How many operations.
    count: u64,
    /// The lives of this peer that the other knows of.
    lives: BTreeSet<u32>,
    /// In how many frames an acknowledgement may still wait.
    frames: u32,
}

/// # A lost log
impl<S: State> Replica<S> {
    /// A peer has operations of this replica's own author that are not here: its log was lost, a backup restored, or the machine set back to what it was. `version`: what that
    /// peer has, as the intent says (`workers::p2p_sync::PeerRemembers`).
    ///
    /// An operation that this replica makes now as the same author contradicts one of those. So what is committed before they are here is made by its
    /// [next life](ReplicaNotice::NextLife), and an acknowledgement waits for them, for 600 frames at most. Once they are merged it goes on as it was. Where nothing is missing this does nothing.
    ///
    /// ```
    /// use control_panel::{Peer, Replica, Stamp, State, replica::Version};
    ///
    /// #[derive(Clone, Default)]
    /// struct Count(u64);
    ///
    /// impl State for Count {
    ///     type Op = u64;
    ///
    ///     fn apply(&mut self, n: &u64, _: &Stamp) {
    ///         self.0 += n;
    ///     }
    /// }
    ///
    /// let peers = [Peer([1; 32]), Peer([2; 32])];
    /// let mut there = Replica::new(peers[1], peers, Count::default());
    /// let mut lost = Replica::new(peers[0], peers, Count::default());
    /// lost.commit(1);
    /// there.merge(lost.since(&Version::new()));
    ///
    /// // Without its log.
    /// let mut here = Replica::new(peers[0], peers, Count::default());
    /// here.remember(there.version());
    /// let stamp = here.commit(2);
    /// assert_eq!(
    ///     stamp.author.incarnation, 1,
    ///     "another author than that of the first"
    /// );
    /// ```
    pub fn remember(&mut self, version: &Version) {
        self.seal();
        let lives = version.iter().filter(|(author, _)| author.peer == self.me.peer);
        let lives = lives.map(|(author, _)| author.incarnation).collect();
        let missing = Missing { count: version.get(self.me), lives, frames: FRAMES };
        self.missing = Some(missing).filter(|missing| !self.has(missing));
    }

    fn has(&self, missing: &Missing) -> bool {
        self.graph.version().get(self.me) >= missing.count
    }

    /// Whether an acknowledgement that is due is not made in this frame, as it would contradict what is missing.
    pub(super) fn waits_for_own(&mut self) -> bool {
        let Some(mut missing) = self.missing.take_if(|missing| missing.frames > 0) else { return false };
        if self.has(&missing) {
            return false;
        }
        missing.frames -= 1;
        self.missing = Some(missing);
        true
    }

    /// Before it makes an operation: as its next life, if what is missing is not here.
    #[inline(never)]
    pub(super) fn go_on_without_own(&mut self) {
        let Some(missing) = self.missing.take() else { return };
        if self.has(&missing) {
            return;
        }
        debug_assert!(self.own.is_empty(), "it was sealed, and nothing was made since");
        self.begin_next_life(missing.lives);
        self.notices.push(ReplicaNotice::NextLife { author: self.me, cut_off: self.cut_off });
        self.unsettled = true;
    }
}

/// The life after these: one more than the greatest. A life that is only spoken of may be a lie, so where nothing is greater it is the
/// greatest that is none of them.
pub(crate) fn life_after(known: &BTreeSet<u32>) -> u32 {
    let Some(last) = known.last() else { return 0 };
    let free = || (0..u32::MAX).rev().find(|life| !known.contains(life));
    last.checked_add(1).or_else(free).unwrap_or(0)
}
