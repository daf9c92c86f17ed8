//! The founding of a journal's replica: its peer, and the first members of its group.

use std::collections::BTreeMap;

use crate::{
    journal::{
        Fault,
        store::{Reader, byte_of, grant_of},
    },
    replica::{
        Grant, Peer,
        codec::{DecodeError, Reader as Bytes, Refused, put_varint},
    },
};

/// The peer of a journal's replica, and the members with which its group began ([`Start::founded`](super::Start::founded)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Founded {
    /// The replica's peer.
    pub peer: Peer,
    /// The members with which its group began, and what each may do, as given to the
    /// [builder](crate::replica::ReplicaBuilder::members). The peer need not be one of them.
    pub members: BTreeMap<Peer, Grant>,
}

impl Founded {
    /// `None` if that is not noted.
    pub(crate) fn of(reader: &Reader) -> Result<Option<Self>, Fault> {
        let peer = reader.meta()?.replica.map(|replica| replica.peer);
        Ok(peer.zip(reader.founders()?).map(|(peer, members)| Self { peer, members }))
    }

    /// As in an export; empty if it is not known.
    pub(super) fn put(founded: Option<&Self>, out: &mut Vec<u8>) {
        out.push(u8::from(founded.is_some()));
        let Some(Self { peer, members }) = founded else { return };
        out.extend_from_slice(&peer.0);
        put_varint(out, members.len() as u64);
        for (member, grant) in members {
            out.extend_from_slice(&member.0);
            out.push(byte_of(*grant));
        }
    }

    pub(super) fn take(reader: &mut Bytes<'_>) -> Result<Option<Self>, DecodeError> {
        match reader.array()? {
            [0] => return Ok(None),
            [1] => {}
            _ => return reader.refuse(Refused::Malformed("neither members nor none")),
        }
        let (peer, mut members) = (Peer(reader.array()?), BTreeMap::new());
        for _ in 0..reader.count("members", usize::MAX, 33)? {
            let (member, [grant]) = (Peer(reader.array()?), reader.array()?);
            let Some(grant) = grant_of(grant) else {
                return reader.refuse(Refused::Malformed("a member that may do what there is not"));
            };
            if members.last_key_value().is_some_and(|(before, _)| *before >= member) {
                return reader.refuse(Refused::Malformed("members out of order"));
            }
            members.insert(member, grant);
        }
        Ok(Some(Self { peer, members }))
    }
}
