//! Irreversible effects: noted before they happen, so that none happens twice.

use super::{
    Journal,
    error::{Fault, JournalError},
    store::{BEGUN, DONE, Ledger, STAMP_BYTES},
};
use crate::replica::Stamp;

/// What is known of an irreversible effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectState {
    /// It is noted durably as of this call: perform it now, and then call [`Journal::effect_done`].
    Begun,
    /// It was noted earlier and never reported as done: the program stopped in between. It may have happened.
    Interrupted,
    /// It happened.
    Done,
}

/// # Effects that cannot be undone
impl Journal {
    /// Notes an effect, durably, before it is performed. The key is the stamp of the operation that causes it
    /// ([`Replica::settled_ops`](crate::Replica::settled_ops)), so a restart that hands out the operation again finds the note.
    ///
    /// It blocks for one transaction: call it where the effect is performed, in a worker, not on the frame's thread.
    ///
    /// ```
    /// use control_panel::{
    ///     Author, Peer, Stamp,
    ///     journal::{EffectState, Journal},
    /// };
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.journal");
    /// # fn send_mail() {}
    /// # let author = Author { peer: Peer([1; 32]), incarnation: 0 };
    /// # let stamp = Stamp { lamport: 1, author, seq: 0 };
    /// let journal = Journal::open(&path)?;
    /// match journal.begin_effect(stamp)? {
    ///     EffectState::Begun => {
    ///         send_mail();
    ///         journal.effect_done(stamp)?;
    ///     }
    ///     EffectState::Interrupted => { /* it may have been sent: ask, or leave it */
    ///     }
    ///     EffectState::Done => {}
    /// }
    /// assert_eq!(journal.begin_effect(stamp)?, EffectState::Done);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The effect is not noted: do not perform it.
    pub fn begin_effect(&self, stamp: Stamp) -> Result<EffectState, JournalError> {
        self.effect(|ledger| {
            let key = key(&stamp);
            Ok(match ledger.get(&key)? {
                Some(DONE) => EffectState::Done,
                Some(_) => EffectState::Interrupted,
                None => {
                    ledger.put(&key, BEGUN)?;
                    EffectState::Begun
                }
            })
        })
    }

    /// Notes that an effect happened. Blocks as [`begin_effect`](Self::begin_effect) does.
    ///
    /// # Errors
    /// The end is not noted: after a restart the effect is [`Interrupted`](EffectState::Interrupted).
    pub fn effect_done(&self, stamp: Stamp) -> Result<(), JournalError> {
        self.effect(|ledger| ledger.put(&key(&stamp), DONE))
    }

    fn effect<T>(&self, change: impl FnOnce(&mut Ledger<'_>) -> Result<T, Fault>) -> Result<T, JournalError> {
        let mut open = self.open_state();
        let store = open.as_mut().ok_or(Fault::Closed).map(|open| &mut open.store);
        let changed =
            store.and_then(|store| store.change(|transaction| change(&mut Ledger::open(transaction)?)));
        changed.map_err(|fault| fault.at(self.path()))
    }
}

fn key(Stamp { lamport, author, seq }: &Stamp) -> [u8; STAMP_BYTES] {
    let mut key = [0; STAMP_BYTES];
    key[..8].copy_from_slice(&lamport.to_be_bytes());
    key[8..40].copy_from_slice(&author.peer.0);
    key[40..44].copy_from_slice(&author.incarnation.to_be_bytes());
    key[44..].copy_from_slice(&seq.to_be_bytes());
    key
}
