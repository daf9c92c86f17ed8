//! What two peers that share a replica say to each other over one connection, until each has all that the other has: a state machine without I/O, clock or
//! randomness (anti-entropy by version vectors; Demers et al., 1987).
//!
//! A [`Session`] is one connection. It is given what arrived, what is durable here ([`Store`]), and the time since it began. It gives messages to send
//! ([`Session::send`]), what arrived for the replica ([`Event`]), and why it is over ([`End`]). A worker moves its bytes ([`Connection`]); the simulation (`testing::World`) passes
//! its messages as objects.
//!
//! # Words
//! | word | meaning |
//! |---|---|
//! | piece | some runs as one message: 256 KiB at most, unless one run alone is longer, or what one signature covers (4 MiB at most beside the signed run) |
//! | taken | of a piece: admitted by the receiver's replica, and durable there |
//! | extent | which chains a piece extends, and how far |
//! | in flight, in hand | sent, or received, and not taken |
//! | batch | what the other lacked when the store was asked last |
//!
//! # Messages
//! | kind | message | body | limit | when |
//! |---|---|---|---|---|
//! | 1 | hello | versions (2 × u16), required and optional capabilities (2 × u32), group (32), version | 160 KiB | first, once |
//! | 2 | have | version | 96 bytes an author, and 64 KiB | right behind the hellos, once |
//! | 3 | delta | a delta's bytes, verbatim | the longest run | |
//! | 4 | took | number | 10 bytes | |
//! | 5 | want | version | as 2 | something does not fit; at most once a second, more seldom where it does not help |
//! | 6 | offer | length, level, hash (32) | 52 bytes | the history that the other lacks is gone; of length 0: what it requested does not hold any more |
//! | 7 | request | hash (32) | 32 bytes | of the last offer |
//! | 8 | chunk | bytes | 64 KiB | |
//! | 9 | bye | reason (1) | 1 byte | last |
//!
//! A frame is the kind (one byte), the body's length (u32, little endian), the body. Numbers in bodies are varints unless a width is named, which is little endian. A length beyond the limit of
//! its kind is refused before anything is allocated for it, as is any kind but 1 and 9 before the hello. One message has one encoding. A hello's layout never changes; a
//! message that a later version adds is sent only to a peer whose hello has the bit for it.
//!
//! # Rules
//! - **Only what is durable is sent**, and a piece counts as had by the other when it was taken, not when it was sent. Deltas and chunks are numbered by their order. If one is lost
//!   behind the receiver's edge, the session is closed with its worker, and the next begins with what is durable there.
//! - **A batch is read once.** The store is asked what the other lacks; until all of that was sent it is not asked again. After it, all that was durable when it began counts as sent. To ask anew for
//!   each piece would cost a pass for each, and send the whole chain of an author again and again whose branch at the other is unknown here.
//! - **Window**: at most 1 MiB is in flight, each piece with 128 bytes beside its own; a longer piece travels alone. To send more breaks the protocol.
//! - **Want**: a piece that was taken and is not in what is durable (it waited for its past, and was dropped, or was refused) is asked for again by version. Without progress the pause doubles, up to 60 s. The server charges
//!   a request without progress to a bucket of 8, refilled at one a second; beyond that it is ignored and counted.
//! - **Forwarding**: what came from third peers is sent as one's own, unless the other sent it too, or took it.
//! - **Snapshot**: the chunks share numbers, window and stream with the deltas, so that one rule bounds both; while one is needed no deltas are sent. It ends with a want. A want that was on its way
//!   when an offer was made takes that back: a request for it is answered by an offer of length 0 with its hash, unless another offer came in its place, which is asked for instead.
//! - **Deadlines**: 5 s for a hello, and for what follows it; 10 s for a whole message, and one more for each 64 KiB; 60 s until something in flight is taken; 64 KiB/s for a snapshot, over 10 s.
//! - **The end**: a breach of the protocol ends the session. A delta that cannot be read, and requests without progress, are counted instead, and reported once a kind; eight such deltas at a time end it.
//!
//! | file | job |
//! |---|---|
//! | `options.rs` | what bounds a session |
//! | `message.rs`, `end.rs` | what is said; what is found out |
//! | `payload.rs` | what is moved |
//! | `session/` | a session: its hellos, what is served, what is taken |
//! | `bucket.rs` | what requests without progress are charged to |
//! | `wire/` | frames, and a session over bytes |

mod bucket;
mod end;
mod message;
mod options;
mod payload;
mod session;
#[cfg(all(test, feature = "codec", feature = "testing"))]
mod tests;
#[cfg(any(feature = "p2p", all(test, feature = "codec")))]
mod wire;

#[cfg(feature = "p2p")]
pub(crate) use self::end::OwnAuthorAhead;
#[cfg(any(feature = "p2p", all(test, feature = "codec", feature = "testing")))]
pub(crate) use self::options::PIECE;
#[cfg(any(feature = "p2p", all(test, feature = "codec")))]
pub(crate) use self::{
    end::Breach,
    message::Reason,
    wire::{Connection, Wire, group},
};
#[cfg(all(test, feature = "codec", feature = "testing"))]
use self::{end::Waited, options::WINDOW, session::Status};
pub(crate) use self::{
    end::{End, Event},
    message::Offer,
    options::{Local, Options},
    payload::{Payload, Piece, Store},
};
#[cfg(feature = "testing")]
pub(crate) use self::{
    message::{Hello, Message},
    options::Capabilities,
    session::Session,
};
pub(crate) use crate::replica::Extent;
