//! The tickets that are open here, until they are redeemed or their time is over.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use iroh::SecretKey;
use tokio::time::Instant;

use super::ticket::TicketError;
use crate::replica::Grant;

/// How many may be open.
const OPEN: usize = 16;

/// After so many wrong secrets pairing is closed for a time.
const WRONG: u32 = 8;
const CLOSED_FOR: Duration = Duration::from_secs(60);

/// The longest lifetime.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

const SECRET: &[u8; 32] = b"control-panel ticket secret v1\0\0";

/// In memory alone: a restart voids them all. Changed without waiting, from any thread.
#[derive(Debug, Default)]
pub(super) struct Tickets(ArcSwap<Open>);

#[derive(Clone, Debug, Default)]
struct Open {
    tickets: Vec<OpenTicket>,
    wrong: u32,
    closed_until: Option<Instant>,
}

#[derive(Clone, Debug)]
struct OpenTicket {
    /// The secret itself is not kept.
    hash: blake3::Hash,
    grant: Grant,
    until: Instant,
}

impl Tickets {
    /// A secret for a ticket.
    pub(super) fn open(&self, grant: Grant, lifetime: Duration) -> Result<[u8; 16], TicketError> {
        let random = blake3::keyed_hash(SECRET, &SecretKey::generate().to_bytes());
        let secret: [u8; 16] = *random.as_bytes().first_chunk().expect("a hash has 32 bytes");
        let ticket = OpenTicket { hash: hash(&secret), grant, until: Instant::now() + lifetime.min(LONGEST) };
        self.change(|open| {
            if open.tickets.len() >= OPEN {
                return Err(TicketError::TooMany);
            }
            open.tickets.push(ticket.clone());
            Ok(secret)
        })
    }

    /// Takes the ticket of this secret, so that no other redeems it.
    pub(super) fn redeem(&self, secret: &[u8; 16]) -> Option<Grant> {
        let hash = hash(secret);
        self.change(|open| {
            if open.closed_until.is_some() {
                return None;
            }
            // Hashes are compared in constant time.
            if let Some(at) = open.tickets.iter().position(|ticket| ticket.hash == hash) {
                open.wrong = 0;
                return Some(open.tickets.remove(at).grant);
            }
            open.wrong += 1;
            if open.wrong >= WRONG {
                (open.wrong, open.closed_until) = (0, Some(Instant::now() + CLOSED_FOR));
            }
            None
        })
    }

    /// Whether the pairing protocol is offered.
    pub(super) fn is_open(&self) -> bool {
        self.change(|open| !open.tickets.is_empty() && open.closed_until.is_none())
    }

    /// When that may change by itself.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let open = self.0.load();
        open.tickets.iter().map(|ticket| ticket.until).chain(open.closed_until).min()
    }

    fn change<R>(&self, mut change: impl FnMut(&mut Open) -> R) -> R {
        loop {
            let before = self.0.load();
            let mut after = Open::clone(&before);
            let now = Instant::now();
            after.tickets.retain(|ticket| ticket.until > now);
            after.closed_until = after.closed_until.filter(|until| *until > now);
            let result = change(&mut after);
            let previous = self.0.compare_and_swap(&before, Arc::new(after));
            if Arc::ptr_eq(&previous, &before) {
                return result;
            }
        }
    }
}

fn hash(secret: &[u8; 16]) -> blake3::Hash {
    blake3::keyed_hash(SECRET, secret)
}
