//! Where a peer says that it is, signed by that peer: so it may be passed on by any other.

use std::net::SocketAddr;

use iroh::{PublicKey, SecretKey, Signature};

use super::{address, trust::ADDRESSES};
use crate::Peer;

/// What is signed begins with this, so that it is nothing else that the key signs: a run's hash has 32 bytes, and this is longer.
const PURPOSE: &[u8] = b"control-panel announcement v1, of a peer's addresses\0";

/// The longest, in bytes.
pub(super) const MOST_BYTES: usize = 32 + 8 + ADDRESSES * address::MOST_BYTES + 64;

/// The addresses of one peer, by its own word. Bytes: the peer's key, the counter (8, little endian), the addresses, the signature (64).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announcement {
    pub(super) peer: Peer,
    /// The highest of a peer counts.
    pub(super) counter: u64,
    /// At most 8.
    pub(super) addresses: Vec<SocketAddr>,
    signature: [u8; 64],
}

impl Announcement {
    /// Of the key's own peer, for this group.
    pub(super) fn sign(key: &SecretKey, group: &[u8; 32], counter: u64, addresses: &[SocketAddr]) -> Self {
        let peer = Peer(*key.public().as_bytes());
        let addresses = addresses.iter().take(ADDRESSES).copied().collect();
        let mut announcement = Self { peer, counter, addresses, signature: [0; 64] };
        announcement.signature = key.sign(&announcement.signed(group)).to_bytes();
        announcement
    }

    /// Whether its peer wrote it, for this group. It costs what a signature costs: some 50 µs.
    pub(super) fn is_genuine(&self, group: &[u8; 32]) -> bool {
        PublicKey::from_bytes(&self.peer.0)
            .is_ok_and(|key| key.verify(&self.signed(group), &Signature::from_bytes(&self.signature)).is_ok())
    }

    fn signed(&self, group: &[u8; 32]) -> Vec<u8> {
        let mut bytes = [PURPOSE, group].concat();
        self.put_content(&mut bytes);
        bytes
    }

    fn put_content(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.peer.0);
        bytes.extend_from_slice(&self.counter.to_le_bytes());
        self.addresses.iter().for_each(|address| address::put(address, bytes));
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MOST_BYTES);
        self.put_content(&mut bytes);
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    /// `None` if it is none. Whether it is genuine is not looked at.
    pub(super) fn read(mut bytes: &[u8]) -> Option<Self> {
        let (rest, signature) = bytes.split_last_chunk()?;
        bytes = rest;
        let peer = Peer(*address::take_array(&mut bytes)?);
        let counter = u64::from_le_bytes(*address::take_array(&mut bytes)?);
        let mut addresses = Vec::new();
        while !bytes.is_empty() && addresses.len() < ADDRESSES {
            addresses.push(address::take(&mut bytes)?);
        }
        bytes.is_empty().then_some(Self { peer, counter, addresses, signature: *signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: [u8; 32] = [5; 32];

    fn addresses(count: u16) -> Vec<SocketAddr> {
        (0..count)
            .map(|port| match port % 2 {
                0 => SocketAddr::from(([127, 0, 0, 1], port)),
                _ => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port)),
            })
            .collect()
    }

    #[test]
    fn one_is_read_as_it_was_written() {
        let key = SecretKey::from_bytes(&[7; 32]);
        for count in 0..12 {
            let announcement = Announcement::sign(&key, &GROUP, u64::from(count), &addresses(count));
            assert_eq!(announcement.addresses, addresses(count.min(8)));
            let bytes = announcement.bytes();
            assert!(bytes.len() <= MOST_BYTES);
            assert_eq!(Announcement::read(&bytes), Some(announcement.clone()));
            assert!(announcement.is_genuine(&GROUP) && !announcement.is_genuine(&[6; 32]), "of one group");
        }
    }

    /// Any byte that differs, any length; and one address too many, though its peer signed it.
    #[test]
    fn what_is_forged_or_malformed_is_none() {
        let key = SecretKey::from_bytes(&[7; 32]);
        let bytes = Announcement::sign(&key, &GROUP, 3, &addresses(3)).bytes();
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            assert!(Announcement::read(&wrong).is_none_or(|read| !read.is_genuine(&GROUP)), "byte {at}");
            assert!(
                Announcement::read(&bytes[..at]).is_none_or(|read| !read.is_genuine(&GROUP)),
                "{at} bytes"
            );
        }
        let mut long = Announcement::sign(&key, &GROUP, 3, &[]);
        long.addresses = addresses(9);
        long.signature = key.sign(&long.signed(&GROUP)).to_bytes();
        assert!(long.is_genuine(&GROUP));
        assert_eq!(Announcement::read(&long.bytes()), None);
    }
}
