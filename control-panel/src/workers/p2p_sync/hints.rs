//! Hints between two peers: where others are. On a stream of its own in each direction, beside the session's, once the hellos were exchanged.
//!
//! A frame is the kind (one byte), the body's length (u16, little endian), the body: 1 is an announcement, 2 asks for that of a peer by its key (32 bytes). Other kinds
//! are skipped.

use std::{convert::Infallible, future::pending, time::Duration};

use iroh::endpoint::{Connection, RecvStream, VarInt};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    address::take_array,
    announcement::{self, Announcement},
    rendezvous::{Heard, Hint, Neighbour},
    shared::Shared,
};
use crate::{
    Peer,
    context::{Raced, race},
};

const ANNOUNCEMENT: u8 = 1;
const WANT: u8 = 2;

/// The longest body.
const MOST_BYTES: usize = 1_024;

/// Hints of one neighbour that are read without a pause: those of a whole trust store, twice. After them one is read each gap.
const BURST: u32 = 2_048;
const GAP: Duration = Duration::from_millis(250);

/// Peers that a neighbour asks for and did not get yet; more are not noted.
pub(super) const ASKED_FOR: usize = 16;

/// Code of a stream that is not read any more.
const UNREAD: VarInt = VarInt::from_u32(1);

fn frame(hint: &Hint) -> Vec<u8> {
    let (kind, body) = match hint {
        Hint::Announcement(announcement) => (ANNOUNCEMENT, announcement.bytes()),
        Hint::Want(peer) => (WANT, peer.0.to_vec()),
    };
    let length = u16::try_from(body.len()).expect("a hint is short");
    [&[kind], &length.to_le_bytes()[..], &body].concat()
}

/// Gives one peer what is known, and what is new of it.
pub(super) async fn send(
    connection: &Connection,
    shared: &Shared,
    mut neighbour: Neighbour,
    mut asked_for: mpsc::Receiver<Peer>,
) -> Infallible {
    let mut news = shared.hints.subscribe();
    let Ok(mut stream) = connection.open_uni().await else { return pending().await };
    let mut wanted = Vec::new();
    loop {
        news.mark_unchanged();
        let hints = shared.rendezvous(|rendezvous| rendezvous.next(&mut neighbour, &wanted));
        wanted.clear();
        for hint in hints {
            // A connection that is gone the session finds; a stream that the other does not read is its choice.
            if stream.write_all(&frame(&hint)).await.is_err() {
                return pending().await;
            }
        }
        let asked = async {
            match asked_for.recv().await {
                Some(peer) => peer,
                None => pending().await,
            }
        };
        if let Raced::Second(peer) = race(news.changed(), asked).await {
            wanted.push(peer);
            while wanted.len() < ASKED_FOR
                && let Ok(peer) = asked_for.try_recv()
            {
                wanted.push(peer);
            }
        }
    }
}

/// What came of a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Where a peer is.
    Peer(Peer),
    /// What no peer does: nothing more is read of this stream.
    Breach(&'static str),
}

/// One neighbour's hints.
pub(super) struct Hints<'a> {
    shared: &'a Shared,
    /// The neighbour.
    peer: Peer,
    neighbour: Neighbour,
    stream: Option<RecvStream>,
    asks_for: mpsc::Sender<Peer>,
    pace: Pace,
}

impl<'a> Hints<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        peer: Peer,
        neighbour: Neighbour,
        asks_for: mpsc::Sender<Peer>,
    ) -> Self {
        Self { shared, peer, neighbour, stream: None, asks_for, pace: Pace::new() }
    }

    /// Waits for news. `None` once nothing more is read.
    pub(super) async fn next(&mut self, connection: &Connection) -> Option<Found> {
        if self.stream.is_none() {
            self.stream = Some(connection.accept_uni().await.ok()?);
        }
        loop {
            self.pace.take().await;
            let stream = self.stream.as_mut()?;
            let (mut head, mut body) = ([0; 3], [0; MOST_BYTES]);
            stream.read_exact(&mut head).await.ok()?;
            let [kind, length @ ..] = head;
            let Some(body) = body.get_mut(..usize::from(u16::from_le_bytes(length))) else {
                return Some(self.breach("a hint that is longer than any"));
            };
            stream.read_exact(body).await.ok()?;
            if let Some(found) = self.hear(kind, body) {
                return Some(match found {
                    Found::Peer(_) => found,
                    Found::Breach(what) => self.breach(what),
                });
            }
        }
    }

    fn hear(&mut self, kind: u8, mut body: &[u8]) -> Option<Found> {
        let trusted = self.shared.trust.peers();
        if !trusted.is_trusted(&self.peer) {
            // The session finds out, too.
            return None;
        }
        match kind {
            ANNOUNCEMENT => {
                let read =
                    (body.len() <= announcement::MOST_BYTES).then(|| Announcement::read(body)).flatten();
                let Some(read) = read else { return Some(Found::Breach("an announcement that is none")) };
                let peer = read.peer;
                let heard =
                    self.shared.rendezvous(|rendezvous| rendezvous.hear(&mut self.neighbour, &trusted, read));
                match heard {
                    Heard::New => Some(Found::Peer(peer)),
                    Heard::Own | Heard::Nothing => None,
                    Heard::Forged => Some(Found::Breach("an announcement that its peer did not write")),
                }
            }
            WANT => match take_array(&mut body) {
                Some(peer) if body.is_empty() => {
                    self.asks_for.try_send(Peer(*peer)).ok();
                    None
                }
                _ => Some(Found::Breach("a request for a peer that is none")),
            },
            _ => None,
        }
    }

    fn breach(&mut self, what: &'static str) -> Found {
        if let Some(mut stream) = self.stream.take() {
            stream.stop(UNREAD).ok();
        }
        Found::Breach(what)
    }
}

/// A token bucket: what is beyond it waits, and the stream's window stops the sender.
#[derive(Debug)]
struct Pace {
    left: u32,
    refilled: Instant,
}

impl Pace {
    fn new() -> Self {
        Self { left: BURST, refilled: Instant::now() }
    }

    async fn take(&mut self) {
        let gaps = self.refilled.elapsed().as_millis() / GAP.as_millis();
        let gaps = u32::try_from(gaps).unwrap_or(u32::MAX).min(BURST);
        self.left = self.left.saturating_add(gaps).min(BURST);
        self.refilled = if self.left == BURST { Instant::now() } else { self.refilled + GAP * gaps };
        if self.left == 0 {
            sleep_until(self.refilled + GAP).await;
            self.refilled += GAP;
            self.left = 1;
        }
        self.left -= 1;
    }
}

#[cfg(test)]
mod tests;
