//! One attempt to reach a peer.

use std::{net::SocketAddr, time::Duration};

use iroh::{
    Endpoint,
    endpoint::{ConnectError, ConnectingError, Connection, ConnectionError},
};
use tokio::time::timeout;

use super::{
    endpoint::{SYNC, place},
    event::OfflineReason,
    session::reason_of_connection,
};
use crate::Peer;

pub(super) async fn connect_to(
    endpoint: &Endpoint,
    peer: &Peer,
    addresses: &[SocketAddr],
    time: Duration,
) -> Result<Connection, OfflineReason> {
    let place = place(peer, addresses).filter(|_| !addresses.is_empty()).ok_or(OfflineReason::Unreachable)?;
    match timeout(time, endpoint.connect(place, SYNC)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(reason_of_connect(&error)),
        Err(_) => Err(OfflineReason::Unreachable),
    }
}

pub(super) fn reason_of_connect(error: &ConnectError) -> OfflineReason {
    let (ConnectError::Connection { source, .. }
    | ConnectError::Connecting { source: ConnectingError::ConnectionError { source, .. }, .. }) = error
    else {
        return OfflineReason::Unreachable;
    };
    match source {
        ConnectionError::TimedOut => OfflineReason::Unreachable,
        source => reason_of_connection(source),
    }
}
