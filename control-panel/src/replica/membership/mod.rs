//! Which peers belong to the group, which runs count, and what is stable: all of it a function of the admitted runs.
//!
//! | file | what |
//! |---|---|
//! | `membership.rs` | [`Membership`]: judges each admitted run, once |
//! | `verdict.rs` | whether a run counts, and what its operations need |
//! | `verdicts.rs` | the verdicts, and what changes them |
//! | `act.rs` | an invitation or a retirement, with its past; which chain knows of it since when |
//! | `plain.rs` | runs that nothing but their own word has to be looked at for |
//! | `acting.rs` | the acts that a run makes |
//! | `precedence.rs` | which acts are effective |
//! | `members.rs` | the members as a past knows them |
//! | `views.rs` | what each chain, and this replica, knows of them |
//! | `retirement.rs` | when a retired member is waited for no longer |
//! | `closure.rs` | runs below what their authors had promised |
//! | `closings.rs` | which of these are closed |
//! | `watermark.rs` | low and watermark |
//! | `own.rs` | this replica's own word |
//! | `acks.rs` | when this replica owes an acknowledgement, and which member holds back |
//! | `notices.rs` | what is reported, each once |
//! | `record.rs` | all of it as plain data, for a replica that joins |
//! | `act_record.rs` | a part of that |
//!
//! | word | meaning |
//! |---|---|
//! | act | an `Invite` or a `Retire` whose author was an owner in its past |
//! | view | what a past says of the members: every chain has one, and so has this replica ("live": all it admitted) |
//! | counted | a member whose clock and low matter: the members, the retired until their retirement is final, and the suspended |
//! | suspended | a peer whose invitation does not stand, and may come to, as what it fell with is not final |
//! | final | of a retirement: a run found, by its past alone, that no act can take precedence over it any more |
//! | senior | of two owners: the one with precedence |

mod acks;
mod act;
mod act_record;
mod acting;
mod closings;
mod closure;
mod members;
#[expect(clippy::module_inception, reason = "one type, one file, and the room is named for it")]
mod membership;
mod notices;
mod own;
mod plain;
mod precedence;
mod record;
mod retirement;
#[cfg(test)]
mod tests;
mod verdict;
mod verdicts;
mod views;
mod watermark;

pub(crate) use self::{
    membership::Membership,
    record::Record,
    verdict::{Change, Right, Verdict, Void},
};
