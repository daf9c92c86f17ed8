//! The QUIC endpoint: bound to what was asked for, and to nothing else; it talks to trusted keys alone.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use iroh::{
    Endpoint, EndpointAddr, PublicKey, RelayMode, RelayUrl, TransportAddr,
    dns::{DnsResolver, NameserverConfig},
    endpoint::{
        AfterHandshakeOutcome, Connection, EndpointHooks, PortmapperConfig, QuicTransportConfig, Side,
        VarInt, presets,
    },
};

use super::{PeerSyncOptions, shared::Shared, trust::ADDRESSES};
use crate::Peer;

/// Sync of replicas, and the pairing of peers.
pub(super) const SYNC: &[u8] = b"control-panel/sync/1";
pub(super) const PAIR: &[u8] = b"control-panel/pair/1";

/// Why a connection is closed. What a session has to say it says before, with its last message.
pub(super) const CLOSED: VarInt = VarInt::from_u32(0);
pub(super) const REFUSED: VarInt = VarInt::from_u32(1);
pub(super) const DUPLICATE: VarInt = VarInt::from_u32(2);

/// Of one connection.
const STREAM_WINDOW: u32 = 1 << 20;
const WINDOW: u32 = STREAM_WINDOW + (256 << 10);
/// Of presence; the oldest are dropped.
const DATAGRAMS: usize = 16 << 10;

/// Packets that keep a connection, within the idle setting.
const KEEP_ALIVES: u32 = 8;

/// Binds it.
pub(super) async fn bind(options: &PeerSyncOptions, shared: &Arc<Shared>) -> Result<Endpoint, String> {
    // No address lookup, no port mapping; no relay but one that was named.
    let mut builder = Endpoint::builder(presets::Minimal);
    if shared.relay.is_none() {
        // Names resolve to nothing; with a relay only its own is asked for.
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        let resolver = DnsResolver::builder()
            .add_nameserver_config(NameserverConfig::udp(nowhere.ip()).with_port(nowhere.port()))
            .disable_fallback()
            .build();
        builder = builder.dns_resolver(resolver);
    }
    builder
        .secret_key(options.key.secret().clone())
        .alpns(alpns(shared))
        .relay_mode(relay_mode(shared.relay.as_ref()))
        .clear_address_lookup()
        .portmapper_config(PortmapperConfig::Disabled)
        .transport_config(transport(options.idle))
        .hooks(Gate { shared: Arc::clone(shared) })
        .clear_ip_transports()
        .bind_addr(options.bind)
        .map_err(|error| format!("{} cannot be bound: {error}", options.bind))?
        .bind()
        .await
        .map_err(|error| format!("{} cannot be bound: {error}", options.bind))
}

/// The one that was named, and no other.
fn relay_mode(relay: Option<&RelayUrl>) -> RelayMode {
    relay.map_or(RelayMode::Disabled, |relay| RelayMode::custom([relay.clone()]))
}

/// What is offered now.
pub(super) fn alpns(shared: &Shared) -> Vec<Vec<u8>> {
    let pair = shared.tickets.is_open().then(|| PAIR.to_vec());
    [SYNC.to_vec()].into_iter().chain(pair).collect()
}

fn transport(idle: Duration) -> QuicTransportConfig {
    // QUIC's time begins anew with the first packet that is sent after the last that came, a keep-alive later at most. With that it is what was set.
    let keep_alive = idle / KEEP_ALIVES;
    let idle = keep_alive * (KEEP_ALIVES - 1);
    QuicTransportConfig::builder()
        .max_idle_timeout(Some(idle.try_into().expect("options keep it within bounds")))
        .keep_alive_interval(keep_alive)
        .default_path_keep_alive_interval(keep_alive)
        .default_path_max_idle_timeout(idle)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .send_window(u64::from(WINDOW))
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(1))
        .datagram_receive_buffer_size(Some(DATAGRAMS))
        .datagram_send_buffer_size(DATAGRAMS)
        .build()
}

/// Where a peer may be. `None` if there is nothing to try, or its name is no key.
pub(super) fn place(shared: &Shared, peer: &Peer, addresses: &[SocketAddr]) -> Option<EndpointAddr> {
    let id = PublicKey::from_bytes(&peer.0).ok()?;
    let relay = shared.relay.iter().cloned().map(TransportAddr::Relay);
    let places: Vec<_> = addresses.iter().copied().map(TransportAddr::Ip).chain(relay).collect();
    (shared.lan || !places.is_empty()).then(|| EndpointAddr::from_parts(id, places))
}

/// Where others reach this endpoint: at most 8 addresses.
pub(super) fn own_addresses(endpoint: &Endpoint) -> Vec<SocketAddr> {
    let mut addresses = endpoint.bound_sockets();
    addresses.extend(endpoint.addr().ip_addrs().copied());
    addresses.retain(|address| !address.ip().is_unspecified());
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(ADDRESSES);
    addresses
}

pub(super) fn peer_of(connection: &Connection) -> Peer {
    Peer(*connection.remote_id().as_bytes())
}

/// Where a connection's peer is now.
pub(super) fn address_of(connection: &Connection) -> Option<SocketAddr> {
    connection.paths().iter().find_map(|path| match path.remote_addr() {
        TransportAddr::Ip(address) => Some(*address),
        _ => None,
    })
}

/// Closes a connection of a key that is not trusted before anything of the application is read or written.
#[derive(Debug)]
struct Gate {
    shared: Arc<Shared>,
}

impl EndpointHooks for Gate {
    async fn after_handshake<'a>(&'a self, connection: &'a Connection) -> AfterHandshakeOutcome {
        let may = match connection.alpn() {
            SYNC => self.shared.trust.peers().is_trusted(&peer_of(connection)),
            // What redeems a ticket dials a key that is in it.
            PAIR => connection.side() == Side::Client || self.shared.tickets.is_open(),
            _ => false,
        };
        if may {
            return AfterHandshakeOutcome::Accept;
        }
        self.shared.count_refused();
        AfterHandshakeOutcome::Reject { error_code: REFUSED, reason: Vec::new() }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        replica::RunHash,
        workers::p2p_sync::{PeerKey, trust_store::TrustStore},
    };

    const RELAY: &str = "https://relay.example";

    pub(in super::super) fn options(folder: &tempfile::TempDir) -> PeerSyncOptions {
        let key = PeerKey::open(folder.path().join("peer.key")).unwrap();
        PeerSyncOptions::new(key, folder.path().join("peers"))
    }

    pub(in super::super) fn shared(options: &PeerSyncOptions) -> Arc<Shared> {
        let trust = TrustStore::open(&options.trust).unwrap();
        Arc::new(Shared::new(options, RunHash([5; 32]), trust))
    }

    #[test]
    fn by_default_it_is_on_this_machine_alone_and_uses_no_server() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder);
        let shared = shared(&options);
        assert_eq!(relay_mode(shared.relay.as_ref()), RelayMode::Disabled);
        assert_eq!(place(&shared, &shared.me, &[]), None, "there is nothing to try");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let endpoint = bind(&options, &shared).await.unwrap();
            let addresses = own_addresses(&endpoint);
            assert!(
                !addresses.is_empty() && addresses.iter().all(|at| at.ip().is_loopback()),
                "{addresses:?}"
            );
            assert_eq!(endpoint.addr().relay_urls().count(), 0);
            assert!(
                endpoint.address_lookup().unwrap().is_empty(),
                "no one is asked, and nothing is announced"
            );
            endpoint.close().await;
        });
    }

    #[test]
    fn of_relays_it_has_the_one_that_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder).relay(RELAY).unwrap();
        let shared = shared(&options);
        let relays = relay_mode(shared.relay.as_ref()).relay_map().urls::<Vec<_>>();
        let named: RelayUrl = RELAY.parse().unwrap();
        assert_eq!(relays, std::slice::from_ref(&named));
        let place = place(&shared, &shared.me, &[]).unwrap();
        assert_eq!(
            place.relay_urls().collect::<Vec<_>>(),
            [&named],
            "a peer without an address is met there"
        );
        for wrong in ["", "relay", "relay.example", "ftp://relay.example", "https://", "mailto:a@b"] {
            let error = options.clone().relay(wrong).unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}`")), "{error}");
        }
    }
}
