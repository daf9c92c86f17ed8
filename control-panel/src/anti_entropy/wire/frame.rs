//! One message, one frame.

use super::{
    super::{
        end::Breach,
        message::{Hello, Message, Offer, Reason},
        options::{BRANCHES, CHUNK, Capabilities, LIVES, Options},
    },
    Wire,
};
use crate::replica::{
    Version,
    codec::{DecodeError, Limits, Reader, Refused, put_varint},
};

/// Kind and length.
pub(in super::super) const HEADER: usize = 5;

/// The bytes of a version with so many authors, a branch each; and of a few that have more.
const fn version_bytes(authors: usize) -> usize {
    96 * authors + (64 << 10)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Hello = 1,
    Have,
    Delta,
    Took,
    Want,
    Offer,
    Request,
    Chunk,
    Bye,
}

impl Kind {
    pub(in super::super) const ALL: [Self; 9] = [
        Self::Hello,
        Self::Have,
        Self::Delta,
        Self::Took,
        Self::Want,
        Self::Offer,
        Self::Request,
        Self::Chunk,
        Self::Bye,
    ];

    pub(super) fn of(byte: u8) -> Result<Self, Breach> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte).ok_or(Breach::Malformed)
    }

    /// The most bytes of its body.
    pub(in super::super) fn limit(self, options: &Options) -> usize {
        match self {
            Self::Hello => version_bytes(LIVES),
            Self::Have | Self::Want => version_bytes(options.authors),
            Self::Delta => options.delta_bytes,
            Self::Took => 10,
            Self::Offer => 52,
            Self::Request => 32,
            Self::Chunk => CHUNK,
            Self::Bye => 1,
        }
    }
}

/// Appends a message's frame.
pub(in super::super) fn encode(message: &Message<Wire>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    let kind = body(message, out);
    let length = u32::try_from(out.len() - start - HEADER);
    debug_assert!(length.is_ok(), "a body beyond 4 GiB");
    out[start] = kind as u8;
    out[start + 1..start + HEADER].copy_from_slice(&length.unwrap_or(u32::MAX).to_le_bytes());
}

fn body(message: &Message<Wire>, out: &mut Vec<u8>) -> Kind {
    match message {
        Message::Hello(Hello { versions, capabilities, group, yours }) => {
            out.extend_from_slice(&versions.start().to_le_bytes());
            out.extend_from_slice(&versions.end().to_le_bytes());
            out.extend_from_slice(&capabilities.required.to_le_bytes());
            out.extend_from_slice(&capabilities.optional.to_le_bytes());
            out.extend_from_slice(group);
            out.extend(yours.encode());
            Kind::Hello
        }
        Message::Have(version) => {
            out.extend(version.encode());
            Kind::Have
        }
        Message::Delta(delta) => {
            out.extend_from_slice(delta);
            Kind::Delta
        }
        Message::Took(upto) => {
            put_varint(out, *upto);
            Kind::Took
        }
        Message::Want(version) => {
            out.extend(version.encode());
            Kind::Want
        }
        Message::Offer(Offer { length, hash, level }) => {
            put_varint(out, *length);
            put_varint(out, *level);
            out.extend_from_slice(hash);
            Kind::Offer
        }
        Message::Request(hash) => {
            out.extend_from_slice(hash);
            Kind::Request
        }
        Message::Chunk(chunk) => {
            out.extend_from_slice(chunk);
            Kind::Chunk
        }
        Message::Bye(reason) => {
            out.push(reason.code());
            Kind::Bye
        }
    }
}

/// Reads a body. Its length is within the limit of its kind.
pub(super) fn decode(kind: Kind, body: Vec<u8>, options: &Options) -> Result<Message<Wire>, Breach> {
    // Nothing in them to be read here.
    match kind {
        Kind::Delta if !body.is_empty() => return Ok(Message::Delta(body)),
        Kind::Chunk if !body.is_empty() => return Ok(Message::Chunk(body)),
        _ => (),
    }
    read(kind, &body, options).map_err(|error| match error.refused() {
        Refused::Limit { .. } => Breach::Authors,
        _ => Breach::Malformed,
    })
}

fn read(kind: Kind, body: &[u8], options: &Options) -> Result<Message<Wire>, DecodeError> {
    let mut reader = Reader::new(body);
    let message = match kind {
        Kind::Hello => {
            let (least, most) = (u16::from_le_bytes(reader.array()?), u16::from_le_bytes(reader.array()?));
            if least > most {
                return reader.refuse(Refused::Malformed("a range that is empty"));
            }
            let required = u32::from_le_bytes(reader.array()?);
            let optional = u32::from_le_bytes(reader.array()?);
            let (capabilities, group) = (Capabilities { required, optional }, reader.array()?);
            let yours = version(&mut reader, LIVES)?;
            Message::Hello(Hello { versions: least..=most, capabilities, group, yours })
        }
        Kind::Have => Message::Have(version(&mut reader, options.authors)?),
        Kind::Want => Message::Want(version(&mut reader, options.authors)?),
        Kind::Took => Message::Took(reader.varint()?),
        Kind::Offer => {
            let (length, level) = (reader.varint()?, reader.varint()?);
            Message::Offer(Offer { length, level, hash: reader.array()? })
        }
        Kind::Request => Message::Request(reader.array()?),
        Kind::Bye => Message::Bye(Reason::of_code(reader.array::<1>()?[0])),
        Kind::Delta | Kind::Chunk => return reader.refuse(Refused::Malformed("an empty body")),
    };
    reader.end()?;
    Ok(message)
}

fn version(reader: &mut Reader<'_>, authors: usize) -> Result<Version, DecodeError> {
    let limits = Limits { authors, heads: BRANCHES, ..Limits::default() };
    let version = Version::decode(reader.rest(), &limits)?;
    reader.skip(reader.left());
    Ok(version)
}
