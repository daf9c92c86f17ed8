//! Addresses as bytes, in tickets and announcements: the family (4 or 6), the address, the port (big endian).

use std::net::{IpAddr, SocketAddr};

/// The longest.
pub(super) const MOST_BYTES: usize = 1 + 16 + 2;

pub(super) fn put(address: &SocketAddr, bytes: &mut Vec<u8>) {
    match address.ip() {
        IpAddr::V4(ip) => {
            bytes.push(4);
            bytes.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            bytes.push(6);
            bytes.extend_from_slice(&ip.octets());
        }
    }
    bytes.extend_from_slice(&address.port().to_be_bytes());
}

/// Takes one off the front. `None` if there is none.
pub(super) fn take(bytes: &mut &[u8]) -> Option<SocketAddr> {
    let (family, mut rest) = bytes.split_first()?;
    let ip = match family {
        4 => IpAddr::from(*take_array::<4>(&mut rest)?),
        6 => IpAddr::from(*take_array::<16>(&mut rest)?),
        _ => return None,
    };
    let port = u16::from_be_bytes(*take_array(&mut rest)?);
    *bytes = rest;
    Some(SocketAddr::new(ip, port))
}

pub(super) fn take_array<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(first)
}
