//! How many handshakes there are at a time that are not done.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use iroh::endpoint::{Incoming, IncomingAddr};

use crate::workers::lock::lock;

/// Connections whose handshake is not done, in all and from one address.
const HALF_OPEN: usize = 64;
const HALF_OPEN_OF_ONE: usize = 8;

/// Counts the handshakes that are not done.
#[derive(Clone, Debug, Default)]
pub(super) struct HalfOpen(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    of: BTreeMap<IpAddr, usize>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Handshake {
    counts: HalfOpen,
    from: Option<IpAddr>,
}

impl HalfOpen {
    /// Whether this one goes on, and counts until the guard is dropped. One that does not is refused, or must prove its address and come again.
    pub(super) fn admit(&self, incoming: Incoming) -> Option<(Incoming, Handshake)> {
        let from = match incoming.remote_addr() {
            IncomingAddr::Ip(address) => Some(address.ip()),
            _ => None,
        };
        let mut counts = lock(&self.0);
        let of_one = from.map_or(0, |from| counts.of.get(&from).copied().unwrap_or(0));
        if counts.all >= HALF_OPEN / 2 || of_one >= HALF_OPEN_OF_ONE {
            let is_full = counts.all >= HALF_OPEN || of_one >= HALF_OPEN_OF_ONE;
            drop(counts);
            if !incoming.remote_addr_validated() {
                // It costs this side nothing.
                incoming.retry().ok();
                return None;
            }
            if is_full {
                incoming.refuse();
                return None;
            }
            counts = lock(&self.0);
        }
        counts.all += 1;
        if let Some(from) = from {
            *counts.of.entry(from).or_default() += 1;
        }
        drop(counts);
        Some((incoming, Handshake { counts: self.clone(), from }))
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts.0);
        counts.all = counts.all.saturating_sub(1);
        if let Some(from) = self.from
            && let Some(of_one) = counts.of.get_mut(&from)
        {
            *of_one = of_one.saturating_sub(1);
            if *of_one == 0 {
                counts.of.remove(&from);
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{net::SocketAddr, time::Duration};

    use iroh::{EndpointAddr, TransportAddr};

    use super::{
        super::endpoint::{
            SYNC, bind,
            tests::{options, shared},
        },
        *,
    };

    /// Of one address eight, and 64 in all: what comes beyond that is refused, until one of them is over.
    #[test]
    fn half_open_handshakes_are_bounded() {
        const ADDRESSES: usize = HALF_OPEN / HALF_OPEN_OF_ONE + 2;
        const OF_ONE: usize = HALF_OPEN_OF_ONE + 2;
        let folders: Vec<_> = (0..=ADDRESSES).map(|_| tempfile::tempdir().unwrap()).collect();
        let at = |place: usize| SocketAddr::from(([127, 0, 0, u8::try_from(place + 1).unwrap()], 0));
        let all: Vec<_> = folders
            .iter()
            .enumerate()
            .map(|(place, folder)| options(folder).bind(at(place)).idle(Duration::from_secs(15)))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = bind(&all[0], &shared(&all[0])).await.unwrap();
            let place = EndpointAddr::from_parts(
                server.id(),
                server.bound_sockets().into_iter().map(TransportAddr::Ip),
            );
            let mut dials = tokio::task::JoinSet::new();
            let mut clients = Vec::new();
            for options in &all[1..] {
                let client = bind(options, &shared(options)).await.unwrap();
                for _ in 0..OF_ONE {
                    let (client, place) = (client.clone(), place.clone());
                    dials.spawn(async move { client.connect(place, SYNC).await.is_ok() });
                }
                clients.push(client);
            }

            let (half_open, mut held, mut refused) = (HalfOpen::default(), Vec::new(), 0);
            while refused < ADDRESSES * OF_ONE - HALF_OPEN {
                let moment = Duration::from_millis(5);
                if let Ok(Some(incoming)) = tokio::time::timeout(moment, server.accept()).await {
                    held.extend(half_open.admit(incoming));
                }
                while let Some(dialled) = dials.try_join_next() {
                    assert!(!dialled.unwrap(), "none of them goes on");
                    refused += 1;
                }
                let of = |address| held.iter().filter(|(_, handshake)| handshake.from == address).count();
                assert!(held.len() <= HALF_OPEN);
                assert!(held.iter().all(|(_, handshake)| of(handshake.from) <= HALF_OPEN_OF_ONE));
            }
            assert_eq!(held.len(), HALF_OPEN);

            // One of them is over: its address has room for one more, and no other address has.
            let (incoming, handshake) = held.remove(0);
            incoming.refuse();
            let from = handshake.from.unwrap();
            drop(handshake);
            let client =
                clients.iter().find(|client| client.bound_sockets()[0].ip() == from).unwrap().clone();
            dials.spawn(async move { client.connect(place, SYNC).await.is_ok() });
            while held.len() < HALF_OPEN {
                held.extend(half_open.admit(server.accept().await.unwrap()));
            }
            assert_eq!(held[HALF_OPEN - 1].1.from, Some(from));
            assert_eq!(lock(&half_open.0).all, HALF_OPEN);
            drop(held);
            let counts = lock(&half_open.0);
            assert!(counts.all == 0 && counts.of.is_empty(), "{counts:?}");
        });
    }
}
