//! A ticket is redeemed: two peers come to trust each other.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use iroh::{
    Endpoint,
    endpoint::{Connection, RecvStream, SendStream},
};
use tokio::time::timeout;

use super::{
    dial::reason_of_connect,
    endpoint::{CLOSED, PAIR, REFUSED, address_of, peer_of, place},
    event::OfflineReason,
    shared::Shared,
    ticket::{Ticket, TicketError},
};
use crate::{Peer, replica::Grant};

/// For all of it.
const TIME: Duration = Duration::from_secs(10);

const SAVED: u8 = 1;

/// Why a ticket was not redeemed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PairError {
    /// The ticket cannot be used here.
    Ticket(TicketError),
    /// The inviter was not reached at the ticket's addresses.
    Unreachable,
    /// The inviter does not take it: it was redeemed, has expired, or its program was restarted since.
    Refused,
    /// The trust store could not be written here.
    Store(String),
}

impl fmt::Display for PairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticket(error) => error.fmt(f),
            Self::Unreachable => f.write_str("the inviter was not reached: is its program running?"),
            Self::Refused => f.write_str("the ticket was redeemed before, or has expired: ask for a new one"),
            Self::Store(error) => write!(f, "the trust store was not written: {error}"),
        }
    }
}

impl std::error::Error for PairError {}

/// This side has the ticket.
pub(super) async fn redeem(
    endpoint: Endpoint,
    shared: Arc<Shared>,
    ticket: &Ticket,
    save: impl AsyncFnOnce() -> Result<(), String>,
) -> Result<Peer, PairError> {
    if ticket.peer == shared.me {
        return Err(PairError::Ticket(TicketError::Own));
    }
    if ticket.group != shared.group {
        return Err(PairError::Ticket(TicketError::OtherGroup));
    }
    let place = place(&shared, &ticket.peer, &ticket.addresses).ok_or(PairError::Unreachable)?;
    let connection = match timeout(TIME, endpoint.connect(place, PAIR)).await {
        Ok(Ok(connection)) => connection,
        Err(_) => return Err(PairError::Unreachable),
        Ok(Err(error)) => {
            return Err(match reason_of_connect(&error) {
                OfflineReason::Unreachable => PairError::Unreachable,
                // The protocol is offered only while a ticket is open.
                _ => PairError::Refused,
            });
        }
    };
    let exchange = async {
        let (mut send, mut receive) = connection.open_bi().await.ok()?;
        send.write_all(&ticket.secret).await.ok()?;
        send.finish().ok()?;
        read_grant(&mut receive).await
    };
    let granted = timeout(TIME, exchange).await.ok().flatten();
    connection.close(CLOSED, b"");
    granted.ok_or(PairError::Refused)?;
    // What the inviter may do here its membership says.
    let paired = shared.trust.change(|peers| peers.pair(ticket.peer, Grant::Write, &ticket.addresses));
    paired.map_err(|_| PairError::Ticket(TicketError::StoreFull))?;
    save().await.map_err(PairError::Store)?;
    Ok(ticket.peer)
}

async fn read_grant(receive: &mut RecvStream) -> Option<()> {
    let mut answer = [0];
    receive.read_exact(&mut answer).await.ok()?;
    (answer == [SAVED]).then_some(())
}

/// This side made the ticket. Returns the peer that redeemed it.
pub(super) async fn accept(
    connection: &Connection,
    shared: &Shared,
    save: impl AsyncFnOnce() -> Result<(), String>,
) -> Option<Peer> {
    let peer = peer_of(connection);
    let exchange = async {
        let (mut send, mut receive) = connection.accept_bi().await.ok()?;
        let mut secret = [0; 16];
        receive.read_exact(&mut secret).await.ok()?;
        let grant = shared.tickets.redeem(&secret)?;
        let from: Vec<SocketAddr> = address_of(connection).into_iter().collect();
        shared.trust.change(|peers| peers.pair(peer, grant, &from)).ok()?;
        save().await.ok()?;
        answer(&mut send).await
    };
    let paired = timeout(TIME, exchange).await.ok().flatten();
    if paired.is_some() {
        // The other closes it when it has the answer.
        timeout(TIME, connection.closed()).await.ok();
    } else {
        connection.close(REFUSED, b"");
    }
    paired.map(|()| peer)
}

async fn answer(send: &mut SendStream) -> Option<()> {
    send.write_all(&[SAVED]).await.ok()?;
    send.finish().ok()
}
