//! What pairs a peer, once.

use std::{fmt, net::SocketAddr, str::FromStr};

use data_encoding::BASE32_NOPAD;

use super::{
    address::{self, take_array},
    trust::ADDRESSES,
};
use crate::{
    Peer,
    replica::{Grant, RunHash},
};

const PREFIX: &str = "cp1";
const CHECK: &[u8; 32] = b"control-panel ticket check v1\0\0\0";

/// The longest text: four founders, and eight IPv6 addresses.
const MOST_CHARACTERS: usize = 640;

/// More are in no ticket.
pub(super) const FOUNDERS: usize = 4;

/// What a founder begins with, where an address has its family: one whose key follows its grant, and the inviter, whose key the ticket has. Tickets of before have none.
const FOUNDER: u8 = 1;
const INVITER: u8 = 2;

/// An invitation to pair, made by [`PeerSyncHandle::ticket`](super::PeerSyncHandle::ticket): the inviter's key and addresses, the group and its first members, and a secret that
/// works once.
///
/// Whatever reads it first can use it, so it is shown as text by [`text`](Self::text) and [`qr`](Self::qr) alone, and not by its `Debug`.
///
/// ```
/// use control_panel::workers::p2p_sync::{Ticket, TicketError};
///
/// assert_eq!("my ticket".parse::<Ticket>().unwrap_err(), TicketError::NoTicket);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    pub(super) peer: Peer,
    pub(super) group: RunHash,
    pub(super) secret: [u8; 16],
    /// None where there are more than a ticket holds.
    pub(super) founders: Vec<(Peer, Grant)>,
    pub(super) addresses: Vec<SocketAddr>,
}

impl Ticket {
    /// Whose it is: the only peer that it can be redeemed at.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// The members that the group began with, and what each may do: for the [builder](crate::replica::ReplicaBuilder::members) of a replica that joins, whichever owner made the ticket. None, if there are more than 4, or a version
    /// made it that did not say so: then the program that joins knows them from elsewhere.
    ///
    /// That they are those of the group is found out when the ticket is redeemed, as the group's name is a hash of them.
    pub fn founders(&self) -> &[(Peer, Grant)] {
        &self.founders
    }

    /// Where that peer was when it made the ticket: for [`set_addresses`](super::PeerSyncHandle::set_addresses), where it is trusted already.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What the other types or pastes: `cp1`, and some 150 lower-case letters and digits.
    pub fn text(&self) -> String {
        let mut bytes = self.bytes();
        bytes.extend_from_slice(&check(&bytes));
        let mut text = PREFIX.to_owned();
        text.push_str(&BASE32_NOPAD.encode(&bytes).to_ascii_lowercase());
        text
    }

    /// The same to be scanned, as lines of block characters for a terminal.
    ///
    /// ```
    /// use control_panel::workers::p2p_sync::Ticket;
    ///
    /// fn show(ticket: &Ticket) -> String {
    ///     let known = ticket.founders().len();
    ///     let at = ticket.addresses().len();
    ///     format!("{}\n{known} founders, {at} addresses", ticket.qr())
    /// }
    /// ```
    pub fn qr(&self) -> String {
        // In upper case it is a third smaller, and read all the same.
        let code = fast_qr::QRBuilder::new(self.text().to_ascii_uppercase()).build();
        // A ticket is shorter than the longest code.
        code.map_or_else(|_| self.text(), |code| code.to_str())
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(&self.peer.0);
        bytes.extend_from_slice(&self.group.0);
        bytes.extend_from_slice(&self.secret);
        for (founder, grant) in &self.founders {
            if *founder == self.peer {
                bytes.extend([INVITER, *grant as u8]);
            } else {
                bytes.extend([FOUNDER, *grant as u8]);
                bytes.extend_from_slice(&founder.0);
            }
        }
        self.addresses.iter().take(ADDRESSES).for_each(|address| address::put(address, &mut bytes));
        bytes
    }
}

/// Finds what was mistyped.
fn check(bytes: &[u8]) -> [u8; 4] {
    let hash = blake3::keyed_hash(CHECK, bytes);
    *hash.as_bytes().first_chunk().expect("a hash has 32 bytes")
}

/// Upper and lower case are the same, and blanks around it are nothing.
impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let text = text.trim();
        if text.len() > MOST_CHARACTERS {
            return Err(TicketError::Malformed);
        }
        let lower = text.to_ascii_lowercase();
        let rest = lower.strip_prefix(PREFIX).ok_or(TicketError::NoTicket)?;
        let bytes =
            BASE32_NOPAD.decode(rest.to_ascii_uppercase().as_bytes()).map_err(|_| TicketError::Malformed)?;
        let (mut bytes, found) = bytes.split_last_chunk::<4>().ok_or(TicketError::Check)?;
        if check(bytes) != *found {
            return Err(TicketError::Check);
        }
        let malformed = TicketError::Malformed;
        let peer = Peer(*take_array(&mut bytes).ok_or(malformed)?);
        let group = RunHash(*take_array(&mut bytes).ok_or(malformed)?);
        let secret = *take_array(&mut bytes).ok_or(malformed)?;
        let mut founders = Vec::new();
        while let [kind @ (FOUNDER | INVITER), grant, rest @ ..] = bytes {
            let (is_inviter, of) = (*kind == INVITER, |known: &Grant| *known as u8 == *grant);
            bytes = rest;
            let founder = if is_inviter { peer } else { Peer(*take_array(&mut bytes).ok_or(malformed)?) };
            let grant = [Grant::Read, Grant::Write, Grant::Owner].into_iter().find(of).ok_or(malformed)?;
            founders.push((founder, grant));
        }
        let mut addresses = Vec::new();
        while !bytes.is_empty() {
            addresses.push(address::take(&mut bytes).ok_or(malformed)?);
        }
        if founders.len() > FOUNDERS {
            return Err(TicketError::Malformed);
        }
        if addresses.len() > ADDRESSES {
            return Err(TicketError::Malformed);
        }
        Ok(Self { peer, group, secret, founders, addresses })
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("peer", &self.peer)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// Why there is no ticket, or one is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TicketError {
    /// It does not begin with `cp1`.
    NoTicket,
    /// It is not one of this version.
    Malformed,
    /// A character is wrong or missing.
    Check,
    /// The worker has no address yet, or stopped.
    NotRunning,
    /// 16 are open.
    TooMany,
    /// It is this program's own.
    Own,
    /// It is of another group than this replica.
    OtherGroup,
    /// The trust store is full.
    StoreFull,
}

impl fmt::Display for TicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTicket => "it is no ticket: those begin with `cp1`",
            Self::Malformed => "it is no ticket of this version",
            Self::Check => "a character of the ticket is wrong or missing: copy it again",
            Self::NotRunning => "the worker has no address yet, or stopped",
            Self::TooMany => "16 tickets are open: let one be redeemed or expire",
            Self::Own => "it is this program's own ticket: redeem it in another",
            Self::OtherGroup => {
                "the ticket is of another group than this replica: begin with the same members"
            }
            Self::StoreFull => "the trust store has its 1,024 peers",
        })
    }
}

impl std::error::Error for TicketError {}
