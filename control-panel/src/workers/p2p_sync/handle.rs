//! What a program asks of the worker.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{
    endpoint::{self, REFUSED, own_addresses},
    pairing::PairError,
    presence::PresenceTooLong,
    shared::Shared,
    ticket::{FOUNDERS, Ticket, TicketError},
    trust::{ADDRESSES, Entry, TrustOrigin},
};
use crate::{Peer, replica::Grant};

/// A handle to a [`PeerSync`](super::PeerSync): pairs, revokes, and shows how it is. It works across restarts of the worker; clones are the same.
#[derive(Clone)]
pub struct PeerSyncHandle {
    pub(super) shared: Arc<Shared>,
}

/// How the worker is, at one time.
///
/// ```
/// use control_panel::{
///     Exit, Replica, Stamp, State,
///     replica::codec::{Limits, Postcard},
///     workers::p2p_sync::{
///         FileError, FileFault, OfflineReason, PairError, PeerKey, PeerStatus,
///         PeerSync, PeerSyncError, PeerSyncHandle, PeerSyncOptions,
///         PeerSyncStatus, PresenceTooLong, RelayUrlError, TicketError,
///         TrustOrigin,
///     },
/// };
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Default, Serialize, Deserialize)]
/// # struct Words(Vec<String>);
/// # impl State for Words {
/// #     type Op = String;
/// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()); }
/// # }
///
/// /// A line of a table of peers.
/// fn line(peer: &PeerStatus) -> String {
///     let how = match peer.trusted {
///         Some(TrustOrigin::Ticket) => "by a ticket",
///         Some(TrustOrigin::Member) => "as a member",
///         _ => "not any more",
///     };
///     let contact = if peer.online { "in contact" } else { "away" };
///     format!("{}: {contact}, trusted {how}", peer.peer)
/// }
///
/// /// What a user reads of a loss of contact, and of a ticket that failed.
/// fn lost(reason: &OfflineReason) -> &'static str {
///     match reason {
///         OfflineReason::Closed => "it was closed",
///         OfflineReason::TimedOut => "it does not answer",
///         _ => "see the log",
///     }
/// }
///
/// /// Whether the worker ended because it cannot run at all.
/// fn cannot_run(exit: &Exit) -> bool {
///     matches!(exit, Exit::Failed(error) if error.is::<PeerSyncError>())
/// }
///
/// fn failed(error: &PairError) -> &'static str {
///     match error {
///         PairError::Ticket(TicketError::NotRunning) => "start syncing first",
///         PairError::Ticket(_) | PairError::Refused => "ask for a new ticket",
///         _ => "try again",
///     }
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let key = PeerKey::open(folder.join("peer.key"))?;
/// let mut replica = Replica::builder(key.peer(), Words::default())
///     .codec(Postcard::new(), Limits::default())
///     .build();
/// let options = PeerSyncOptions::new(key, folder.join("peers"));
/// let wrong: Result<_, RelayUrlError> = options.clone().relay("no url");
/// assert!(wrong.is_err());
/// let peers: PeerSyncHandle = PeerSync::new(replica.link(), options)?.handle();
/// let status: PeerSyncStatus = peers.status();
/// assert_eq!(status.peers.iter().map(line).count(), 0);
/// assert_eq!(lost(&OfflineReason::Closed), "it was closed");
/// assert!(!cannot_run(&Exit::Cancelled));
/// assert_eq!(failed(&PairError::Refused), "ask for a new ticket");
/// let long: Result<(), PresenceTooLong> = peers.set_presence(&[0; 1 << 16]);
/// assert!(long.is_err());
///
/// // A key that is a folder is none.
/// let error: FileError = PeerKey::open(folder).unwrap_err();
/// assert!(matches!(error.fault(), FileFault::NotAFile | FileFault::Io(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerSyncStatus {
    /// Where peers reach this program; none while the worker does not run.
    pub addresses: Vec<SocketAddr>,
    /// All that are in the trust store.
    pub peers: Vec<PeerStatus>,
    /// Connections that were refused for their key, since the start.
    pub refused: u64,
    /// Why the trust store is not on disk as it counts: a full disk, say. It is tried again each second; a restart before that begins with what
    /// is on disk.
    pub unsaved: Option<String>,
    /// Why the local network is not looked at, where [`lan`](super::PeerSyncOptions::lan) asks for it. It is tried again as this machine's addresses change.
    pub lan_fault: Option<String>,
}

/// How a peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerStatus {
    /// Which.
    pub peer: Peer,
    /// As it was reported last.
    pub online: bool,
    /// How it came to be trusted; `None` if it was revoked here.
    pub trusted: Option<TrustOrigin>,
    /// What it may do, as far as is known here.
    pub grant: Option<Grant>,
    /// Where it may be.
    pub addresses: Vec<SocketAddr>,
}

impl PeerSyncHandle {
    /// A ticket for one peer, which works once, within this time (at most a day): [`PeerOnline::invited`](super::PeerOnline::invited) says when it was redeemed. Give it by a way
    /// that no other reads.
    ///
    /// Any owner of the group may give one: a program that redeems it trusts this peer, and this program's frame [invites](crate::Replica::invite) it, which only an owner's counts for.
    ///
    /// It is in memory alone: a restart of the program voids it. Cheap, and waits for nothing.
    ///
    /// # Errors
    /// The worker does not run yet, or 16 tickets are open.
    ///
    /// ```
    /// # use control_panel::replica::Grant;
    /// # use control_panel::workers::p2p_sync::{PairError, PeerSyncHandle, TicketError};
    /// # use std::time::Duration;
    /// fn invite(sync: &PeerSyncHandle) -> Result<String, TicketError> {
    ///     let ticket = sync.ticket(Grant::Write, Duration::from_secs(600))?;
    ///     Ok(ticket.text())
    /// }
    ///
    /// async fn join(sync: &PeerSyncHandle, text: &str) -> Result<(), PairError> {
    ///     let ticket = text.parse().map_err(PairError::Ticket)?;
    ///     let peer = sync.redeem(ticket).await?;
    ///     // Where it is reached from now on, if it has moved.
    ///     sync.set_addresses(peer, &["192.0.2.7:4433".parse().unwrap()]);
    ///     Ok(())
    /// }
    /// ```
    pub fn ticket(&self, grant: Grant, lifetime: Duration) -> Result<Ticket, TicketError> {
        let endpoint = self.shared.endpoint.load_full().ok_or(TicketError::NotRunning)?;
        let addresses = own_addresses(&endpoint);
        let secret = self.shared.tickets.open(grant, lifetime)?;
        // Before it is shown to the one that redeems it.
        endpoint.set_alpns(endpoint::alpns(&self.shared));
        self.shared.changed.notify_one();
        let Shared { me, group, founders, .. } = &*self.shared;
        let founders = if founders.len() <= FOUNDERS { founders.to_vec() } else { Vec::new() };
        Ok(Ticket { peer: *me, group: *group, secret, founders, addresses })
    }

    /// Redeems a ticket: the inviter and this program trust each other from then on, and connect. Waits for a worker that does not run yet, or is
    /// about to be restarted.
    ///
    /// # Errors
    /// [`PairError`]; then the ticket may be used up, and a new one is needed. [`NotRunning`](TicketError::NotRunning) if the worker has ended for good.
    ///
    /// # Cancel safety
    /// The redemption goes on.
    pub async fn redeem(&self, ticket: Ticket) -> Result<Peer, PairError> {
        let (answer, answered) = oneshot::channel();
        self.shared.ask_to_redeem((ticket, answer)).map_err(PairError::Ticket)?;
        answered.await.unwrap_or(Err(PairError::Ticket(TicketError::NotRunning)))
    }

    /// Does not talk to a peer any more: when this returns nothing more is read from it or sent to it. Membership does not bring it back here, a new
    /// ticket does. To remove it for all, [retire](crate::Replica::retire) it.
    ///
    /// # Errors
    /// The trust store has its 1,024 peers, and this is none of them: then it is not trusted anyway, until it becomes a member.
    pub fn revoke(&self, peer: Peer) -> Result<(), TicketError> {
        self.shared.trust.change(|peers| peers.revoke(peer)).map_err(|_| TicketError::StoreFull)?;
        self.shared.rendezvous(|rendezvous| rendezvous.forget(&peer));
        let mut state = self.shared.state();
        state.addresses.remove(&peer);
        state.had.remove(&peer);
        let connection = state.connections.remove(&peer);
        drop(state);
        if let Some(connection) = connection.and_then(|connection| connection.upgrade()) {
            connection.close(REFUSED, b"");
        }
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Says where a peer may be, beside what is found out: at most 8 addresses, in place of those said before. It does not make the peer trusted.
    pub fn set_addresses(&self, peer: Peer, addresses: &[SocketAddr]) {
        let mut state = self.shared.state();
        if state.addresses.len() < super::trust::PEERS || state.addresses.contains_key(&peer) {
            let addresses = addresses.iter().take(ADDRESSES).copied().collect();
            state.addresses.insert(peer, addresses);
        }
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Shows this to all peers, now and when one connects, in place of what was shown before: a cursor, say, in the program's own encoding. No bytes: nothing. It
    /// comes as [`PeerPresence`](super::PeerPresence) where the other's program [asks for it](super::PeerIntents::presence), the newest alone, at most 20 times a second; it is in no
    /// journal, and no part of the replica. Cheap, and waits for nothing.
    ///
    /// # Errors
    /// It is longer than 1,024 bytes.
    pub fn set_presence(&self, bytes: &[u8]) -> Result<(), PresenceTooLong> {
        self.shared.shown.set(bytes)
    }

    /// How it is now.
    pub fn status(&self) -> PeerSyncStatus {
        let endpoint = self.shared.endpoint.load_full();
        let addresses = endpoint.map(|endpoint| own_addresses(&endpoint)).unwrap_or_default();
        let trusted = self.shared.trust.peers();
        let state = self.shared.state();
        let peers = trusted.iter().map(|(peer, entry)| {
            let (trusted, grant, addresses) = match entry {
                Entry::Trusted { grant, origin, addresses } => {
                    (Some(*origin), Some(*grant), addresses.clone())
                }
                Entry::Revoked => (None, None, Vec::new()),
            };
            PeerStatus { peer: *peer, online: state.online.contains(peer), trusted, grant, addresses }
        });
        PeerSyncStatus {
            addresses,
            peers: peers.collect(),
            refused: self.shared.refused(),
            unsaved: self.shared.trust.unsaved(),
            lan_fault: self.shared.lan_fault.load_full().map(|fault| String::clone(&fault)),
        }
    }
}

impl fmt::Debug for PeerSyncHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerSyncHandle").field("peer", &self.shared.me).finish_non_exhaustive()
    }
}
