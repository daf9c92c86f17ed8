//! Which peers this machine talks to.

use std::{collections::BTreeMap, net::SocketAddr};

use data_encoding::HEXLOWER;

use super::secret_file::FileFault;
use crate::{Peer, replica::Grant};

const FIRST_LINE: &str = "control-panel peers v1";

/// Peers in a store, those that are revoked included.
pub(super) const PEERS: usize = 1024;

/// Addresses of a peer.
pub(super) const ADDRESSES: usize = 8;

/// How a peer came to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustOrigin {
    /// It redeemed a ticket, or gave one.
    Ticket,
    /// The replica names it as a member.
    Member,
}

/// What is known of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Trusted {
        grant: Grant,
        origin: TrustOrigin,
        /// Where it was connected, the newest first.
        addresses: Vec<SocketAddr>,
    },
    /// Membership does not bring it back.
    Revoked,
}

/// The peers at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Peers(BTreeMap<Peer, Entry>);

/// There is no room for another peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoreFull;

impl Peers {
    pub(super) fn get(&self, peer: &Peer) -> Option<&Entry> {
        self.0.get(peer)
    }

    pub(super) fn is_trusted(&self, peer: &Peer) -> bool {
        matches!(self.0.get(peer), Some(Entry::Trusted { .. }))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Peer, &Entry)> {
        self.0.iter()
    }

    pub(super) fn trusted(&self) -> impl Iterator<Item = (&Peer, &[SocketAddr])> {
        self.0.iter().filter_map(|(peer, entry)| match entry {
            Entry::Trusted { addresses, .. } => Some((peer, &addresses[..])),
            Entry::Revoked => None,
        })
    }

    /// A ticket was redeemed: also of one that was revoked here, as this machine made or used that ticket since.
    pub(super) fn pair(&mut self, peer: Peer, grant: Grant, new: &[SocketAddr]) -> Result<(), StoreFull> {
        if !self.0.contains_key(&peer) && self.0.len() >= PEERS {
            return Err(StoreFull);
        }
        let mut addresses = Vec::new();
        for address in new.iter().take(ADDRESSES) {
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        self.0.insert(peer, Entry::Trusted { grant, origin: TrustOrigin::Ticket, addresses });
        Ok(())
    }

    /// The replica's members now: those that are new are trusted, and those that were trusted as members and are none any more are not.
    /// Returns how many there was no room for.
    pub(super) fn set_members(&mut self, me: Peer, members: &[(Peer, Grant)]) -> usize {
        let is_member = |peer: &Peer| members.binary_search_by_key(peer, |(member, _)| *member).is_ok();
        self.0.retain(|peer, entry| {
            !matches!(entry, Entry::Trusted { origin: TrustOrigin::Member, .. }) || is_member(peer)
        });
        let mut left_out = 0;
        for (peer, member) in members.iter().filter(|(peer, _)| *peer != me) {
            let is_full = self.0.len() >= PEERS;
            match self.0.get_mut(peer) {
                // From now on it is one as long as it is a member.
                Some(Entry::Trusted { grant, origin, .. }) => {
                    (*grant, *origin) = (*member, TrustOrigin::Member);
                }
                Some(Entry::Revoked) => {}
                None if !is_full => {
                    let origin = TrustOrigin::Member;
                    self.0.insert(*peer, Entry::Trusted { grant: *member, origin, addresses: Vec::new() });
                }
                None => left_out += 1,
            }
        }
        left_out
    }

    /// It was reached there.
    pub(super) fn reached(&mut self, peer: &Peer, address: SocketAddr) {
        if let Some(Entry::Trusted { addresses, .. }) = self.0.get_mut(peer)
            && addresses.first() != Some(&address)
        {
            addresses.retain(|known| *known != address);
            addresses.insert(0, address);
            addresses.truncate(ADDRESSES);
        }
    }

    /// It says that it is there, and it is in contact: behind where it was reached, as that worked.
    pub(super) fn said(&mut self, peer: &Peer, said: &[SocketAddr]) {
        if let Some(Entry::Trusted { addresses, .. }) = self.0.get_mut(peer) {
            let reached = addresses.first().copied();
            let old = std::mem::take(addresses);
            for address in reached.into_iter().chain(said.iter().copied()).chain(old) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            addresses.truncate(ADDRESSES);
        }
    }

    pub(super) fn revoke(&mut self, peer: Peer) -> Result<(), StoreFull> {
        if !self.0.contains_key(&peer) && self.0.len() >= PEERS {
            return Err(StoreFull);
        }
        self.0.insert(peer, Entry::Revoked);
        Ok(())
    }

    /// Whether the same peers have the same trust, wherever they are.
    pub(super) fn trusts_as(&self, other: &Self) -> bool {
        let trust = |(peer, entry): (&Peer, &Entry)| match entry {
            Entry::Trusted { grant, origin, addresses: _ } => (*peer, Some((*grant, *origin))),
            Entry::Revoked => (*peer, None),
        };
        self.0.iter().map(trust).eq(other.0.iter().map(trust))
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\n");
        for (peer, entry) in &self.0 {
            text.push_str(&HEXLOWER.encode(&peer.0));
            match entry {
                Entry::Revoked => text.push_str(" revoked"),
                Entry::Trusted { grant, origin, addresses } => {
                    text.push_str(match grant {
                        Grant::Read => " read",
                        Grant::Owner => " owner",
                        _ => " write",
                    });
                    text.push_str(match origin {
                        TrustOrigin::Ticket => " ticket",
                        TrustOrigin::Member => " member",
                    });
                    for address in addresses {
                        text.push(' ');
                        text.push_str(&address.to_string());
                    }
                }
            }
            text.push('\n');
        }
        let check = check(&text);
        text + "check " + &check + "\n"
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, FileFault> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| FileFault::Malformed { line: 1, what: "it is not text" })?;
        if text.lines().next() != Some(FIRST_LINE) {
            return Err(FileFault::Malformed {
                line: 1,
                what: "it does not begin with `control-panel peers v1`",
            });
        }
        let last = text.lines().count();
        let content = text.rfind("check ").map_or(text, |at| &text[..at]);
        if format!("{content}check {}\n", check(content)) != text {
            let what = "the check is not of this file: it is not whole, or was edited (then leave out the check, and it is not read)";
            return Err(FileFault::Malformed { line: last, what });
        }
        let mut peers = BTreeMap::new();
        for (line, entry) in (1..).zip(content.lines()).skip(1) {
            let (peer, entry) = parse_entry(entry).map_err(|what| FileFault::Malformed { line, what })?;
            if peers.len() >= PEERS || peers.insert(peer, entry).is_some() {
                return Err(FileFault::Malformed { line, what: "a peer twice, or more than 1,024" });
            }
        }
        Ok(Self(peers))
    }
}

fn parse_entry(line: &str) -> Result<(Peer, Entry), &'static str> {
    let mut words = line.split(' ');
    let key = words.next().and_then(|word| HEXLOWER.decode(word.as_bytes()).ok());
    let peer = Peer(key.and_then(|key| key.try_into().ok()).ok_or("the key is not 64 hexadecimal digits")?);
    let grant = match words.next() {
        Some("revoked") if words.next().is_none() => return Ok((peer, Entry::Revoked)),
        Some("read") => Grant::Read,
        Some("write") => Grant::Write,
        Some("owner") => Grant::Owner,
        _ => return Err("the grant is none of `read`, `write`, `owner`, `revoked`"),
    };
    let origin = match words.next() {
        Some("ticket") => TrustOrigin::Ticket,
        Some("member") => TrustOrigin::Member,
        _ => return Err("how it came is neither `ticket` nor `member`"),
    };
    let addresses: Result<Vec<SocketAddr>, _> = words.map(str::parse).collect();
    let addresses = addresses.map_err(|_| "an address is not one")?;
    if addresses.len() > ADDRESSES {
        return Err("more than 8 addresses");
    }
    Ok((peer, Entry::Trusted { grant, origin, addresses }))
}

/// Finds what was cut off or flipped; what may write the file may write the check.
fn check(content: &str) -> String {
    HEXLOWER.encode(&blake3::hash(content.as_bytes()).as_bytes()[..8])
}
