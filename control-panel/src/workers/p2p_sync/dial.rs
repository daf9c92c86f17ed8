//! One attempt to reach a peer.

use std::time::Duration;

use iroh::{
    Endpoint, EndpointAddr,
    endpoint::{ConnectError, ConnectingError, Connection, ConnectionError, TransportErrorCode},
};
use tokio::time::timeout;

use super::{endpoint::SYNC, event::OfflineReason, session::reason_of_connection};

pub(super) async fn connect_to(
    endpoint: &Endpoint,
    place: Option<EndpointAddr>,
    time: Duration,
) -> Result<Connection, OfflineReason> {
    let place = place.ok_or(OfflineReason::Unreachable)?;
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
        // Too many handshakes are under way there: of this key it knows nothing yet.
        ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
        {
            OfflineReason::Unreachable
        }
        source => reason_of_connection(source),
    }
}
