//! What a program shows its peers of itself, beside the replica: where its cursor is, say. Datagrams, of which only the newest counts.
//!
//! A datagram is a number (8 bytes, little endian; it counts up within a session) and at most 1,024 bytes.

use std::{convert::Infallible, error, fmt, future::ready, sync::Arc, time::Duration};

use iroh::endpoint::Connection;
use tokio::{sync::watch, time::sleep};

use crate::{
    Peer,
    context::{Raced, race},
    intent::{CoalesceKey, PeerId},
};

/// The longest.
const MOST_BYTES: usize = 1_024;
const NUMBER: usize = 8;

/// The shortest time between two of one peer, in either direction: 20 a second.
const GAP: Duration = Duration::from_millis(50);

/// What is shown is sent again after so long, as a datagram may be lost.
const AGAIN: Duration = Duration::from_secs(2);

/// Datagrams that are looked at before the newest of them is delivered.
const AT_ONCE: usize = 32;

/// What a peer shows of itself now, in place of what it showed before; set there by
/// [`set_presence`](super::PeerSyncHandle::set_presence). No bytes: it shows nothing any more.
///
/// It is no part of the replica: it has no history, is in no journal, and ends with the contact: drop it when its [`PeerOffline`](super::PeerOffline) comes. One that is lost is sent
/// again, so it may be some seconds old. The bytes are whatever that peer's program wrote, so read them as such.
///
/// As an intent, of which the queue keeps the newest of each peer:
///
/// ```
/// use control_panel::{
///     Delta, GraphIntent,
///     workers::p2p_sync::{PeerOffline, PeerOnline, PeerPresence},
/// };
///
/// #[derive(Debug, GraphIntent)]
/// enum Update {
///     #[intent(clock = delta, origin = delta, from)]
///     ApplyRemoteDelta { delta: Delta<String> },
///     #[intent(from)]
///     MarkPeerOffline(PeerOffline),
///     #[intent(from)]
///     MarkPeerOnline(PeerOnline),
///     #[intent(latest = 0, from)]
///     PeerPresence(PeerPresence),
/// }
/// ```
///
/// Where frames are recorded its variant has `#[intent(skip)]` and `#[serde(skip)]`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerPresence {
    /// Which.
    pub peer: Peer,
    /// What it shows: at most 1,024 bytes.
    pub bytes: Arc<[u8]>,
}

impl fmt::Debug for PeerPresence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerPresence")
            .field("peer", &self.peer)
            .field("bytes", &format_args!("{}", self.bytes.escape_ascii()))
            .finish()
    }
}

impl PeerId for PeerPresence {
    fn peer(&self) -> Option<u64> {
        self.peer.peer()
    }
}

impl CoalesceKey for PeerPresence {
    fn key(&self) -> u64 {
        self.peer.key()
    }
}

/// A presence is longer than 1,024 bytes: nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceTooLong {
    /// How long it is.
    pub bytes: usize,
}

impl fmt::Display for PresenceTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a presence of {} bytes: at most {MOST_BYTES} are sent", self.bytes)
    }
}

impl error::Error for PresenceTooLong {}

/// What this program shows all its peers.
#[derive(Debug)]
pub(super) struct Shown(watch::Sender<Arc<[u8]>>);

impl Default for Shown {
    fn default() -> Self {
        Self(watch::Sender::new(Arc::default()))
    }
}

impl Shown {
    pub(super) fn set(&self, bytes: &[u8]) -> Result<(), PresenceTooLong> {
        if bytes.len() > MOST_BYTES {
            return Err(PresenceTooLong { bytes: bytes.len() });
        }
        self.0.send_if_modified(|shown| {
            let changed = **shown != *bytes;
            if changed {
                *shown = bytes.into();
            }
            changed
        });
        Ok(())
    }

    pub(super) fn watch(&self) -> watch::Receiver<Arc<[u8]>> {
        self.0.subscribe()
    }
}

/// Shows it to one peer.
pub(super) async fn send(connection: &Connection, mut shown: watch::Receiver<Arc<[u8]>>) -> Infallible {
    let mut number = 0_u64;
    loop {
        let bytes = Arc::clone(&shown.borrow_and_update());
        if number > 0 || !bytes.is_empty() {
            number += 1;
            let datagram = [&number.to_le_bytes(), &*bytes].concat();
            // One that there is no room for is sent again below; where the connection is gone the session ends.
            connection.send_datagram(datagram.into()).ok();
            sleep(GAP).await;
            race(shown.changed(), sleep(AGAIN)).await;
        } else if shown.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for what one peer shows that is new. `None` once its connection is gone.
pub(super) async fn next(connection: &Connection, newest: &mut Newest) -> Option<Result<Arc<[u8]>, Odd>> {
    loop {
        let mut datagram = connection.read_datagram().await.ok()?;
        for _ in 0..AT_ONCE {
            if let Err(odd) = newest.take(&datagram) {
                return Some(Err(odd));
            }
            match race(connection.read_datagram(), ready(())).await {
                Raced::First(Ok(next)) => datagram = next,
                _ => break,
            }
        }
        if let Some(bytes) = newest.give() {
            return Some(Ok(bytes));
        }
    }
}

/// Before the next may be delivered: so many a second come of one peer, whatever it sends.
pub(super) async fn pause() {
    sleep(GAP).await;
}

/// A datagram that no peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Odd;

/// The newest of what came.
#[derive(Debug, Default)]
pub(super) struct Newest {
    number: u64,
    bytes: Arc<[u8]>,
    /// Whether that was not delivered.
    is_new: bool,
}

impl Newest {
    fn take(&mut self, datagram: &[u8]) -> Result<(), Odd> {
        let (number, bytes) = datagram.split_first_chunk::<NUMBER>().ok_or(Odd)?;
        if bytes.len() > MOST_BYTES {
            return Err(Odd);
        }
        let number = u64::from_le_bytes(*number);
        if number > self.number {
            self.number = number;
            if *self.bytes != *bytes {
                (self.bytes, self.is_new) = (bytes.into(), true);
            }
        }
        Ok(())
    }

    fn give(&mut self) -> Option<Arc<[u8]>> {
        std::mem::take(&mut self.is_new).then(|| Arc::clone(&self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(number: u64, bytes: &[u8]) -> Vec<u8> {
        [&number.to_le_bytes(), bytes].concat()
    }

    #[test]
    fn the_newest_counts_whatever_the_order() {
        let mut newest = Newest::default();
        assert_eq!(newest.give(), None);
        for (number, bytes) in [(2, b"b"), (1, b"a"), (2, b"x")] {
            assert_eq!(newest.take(&datagram(number, bytes)), Ok(()));
        }
        assert_eq!(newest.give().as_deref(), Some(&b"b"[..]));
        // Sent again, as it may have been lost.
        assert_eq!(newest.take(&datagram(3, b"b")), Ok(()));
        assert_eq!(newest.give(), None);
        assert_eq!(newest.take(&datagram(u64::MAX, b"")), Ok(()));
        assert_eq!(newest.give().as_deref(), Some(&b""[..]));
        assert_eq!(newest.take(&datagram(u64::MAX, b"c")), Ok(()));
        assert_eq!(newest.give(), None);
    }

    #[test]
    fn what_is_too_long_or_too_short_is_refused() {
        let mut newest = Newest::default();
        assert_eq!(newest.take(&datagram(1, &[7; MOST_BYTES])), Ok(()));
        assert_eq!(newest.take(&datagram(2, &[8; MOST_BYTES + 1])), Err(Odd));
        assert_eq!(newest.take(&[0; NUMBER - 1]), Err(Odd));
        assert_eq!(newest.give().as_deref(), Some(&[7; MOST_BYTES][..]));

        let shown = Shown::default();
        assert_eq!(shown.set(&[0; MOST_BYTES + 1]), Err(PresenceTooLong { bytes: MOST_BYTES + 1 }));
        let mut watched = shown.watch();
        assert!(shown.set(b"here").is_ok() && watched.has_changed().unwrap());
        watched.mark_unchanged();
        assert!(shown.set(b"here").is_ok() && !watched.has_changed().unwrap());
    }
}
