//! The local network, where the program asks for it: peers announce themselves on the link, and look for others there (multicast DNS; RFC 6762).

use std::{future::poll_fn, pin::Pin};

use iroh::{Endpoint, address_lookup::AddrFilter};
use iroh_mdns_address_lookup::{DiscoveryEvent, MdnsAddressLookup};
use n0_future::Stream;
use tokio::sync::mpsc;

use super::{hub::FromTask, shared::Shared};
use crate::Peer;

/// The same for all programs, so that it does not say which peers belong together.
const SERVICE: &str = "control-panel";

/// From here on the endpoint is announced, and its dials look there too.
pub(super) fn begin(endpoint: &Endpoint) -> Result<MdnsAddressLookup, String> {
    let lookup = MdnsAddressLookup::builder()
        .service_name(SERVICE)
        // A relay is no address on the link.
        .addr_filter(AddrFilter::ip_only())
        .build(endpoint.id())
        .map_err(|error| format!("the local network cannot be looked at: {error}"))?;
    let services = endpoint.address_lookup().map_err(|error| error.to_string())?;
    services.add(lookup.clone());
    Ok(lookup)
}

/// Reports trusted peers as they come. Others are passed over: a link has as many as anyone on it likes.
pub(super) async fn look(lookup: MdnsAddressLookup, shared: &Shared, hub: mpsc::Sender<FromTask>) {
    let mut events = lookup.subscribe().await;
    while let Some(event) = poll_fn(|cx| Pin::new(&mut events).poll_next(cx)).await {
        if let DiscoveryEvent::Discovered { endpoint_info, .. } = event {
            let peer = Peer(*endpoint_info.endpoint_id.as_bytes());
            if shared.trust.peers().is_trusted(&peer) && hub.send(FromTask::Hinted { peer }).await.is_err() {
                return;
            }
        }
    }
}
