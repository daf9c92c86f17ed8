//! Keys, trust, tickets: without a network.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use super::{
    key::{PeerKey, PeerSignatures},
    secret_file::FileFault,
    ticket::{Ticket, TicketError},
    tickets::{LONGEST, Tickets},
    trust::{Entry, PEERS, Peers, TrustOrigin},
    trust_store::TrustStore,
};
use crate::{
    Peer,
    replica::{Grant, RunHash, Signer, Verifier},
    testing::Rng,
};

fn peer(byte: u8) -> Peer {
    Peer([byte; 32])
}

fn paused(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test);
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_key_is_made_once_and_never_shown() {
    let folder = folder();
    let path = folder.path().join("peer.key");
    let key = PeerKey::open(&path).unwrap();
    assert_eq!(PeerKey::open(&path).unwrap().peer(), key.peer());
    let secret = fs::read_to_string(&path).unwrap().lines().nth(1).unwrap().to_owned();
    let shown = format!("{key:?} {:#?}", super::PeerSyncOptions::new(key.clone(), "peers"));
    assert!(!shown.contains(&secret) && shown.contains(&key.peer().to_string()), "{shown}");

    let hash = RunHash([7; 32]);
    let signature = key.sign(&hash);
    assert!(PeerSignatures.verify(&key.peer(), &hash, &signature));
    assert!(!PeerSignatures.verify(&key.peer(), &RunHash([8; 32]), &signature));
    assert!(!PeerSignatures.verify(&peer(1), &hash, &signature));
    assert!(!PeerSignatures.verify(&key.peer(), &hash, &signature[1..]));
}

#[cfg(unix)]
#[test]
fn files_that_others_may_read_are_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    let (key, peers) = (folder.path().join("peer.key"), folder.path().join("peers"));
    PeerKey::open(&key).unwrap();
    TrustStore::open(&peers).unwrap().save(&mut None).unwrap();
    for path in [&key, &peers] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    }
    let error = PeerKey::open(&key).unwrap_err();
    assert!(matches!(error.fault(), FileFault::Readable { mode: 0o640 }), "{error}");
    assert!(error.to_string().contains("640") && error.to_string().contains("peer.key"), "{error}");
    assert!(matches!(TrustStore::open(&peers).unwrap_err().fault(), FileFault::Readable { mode: 0o640 }));
}

/// A start writes nothing that is in the file, and where a peer is can wait: whether it is trusted cannot.
#[test]
fn only_what_differs_from_the_file_is_written() {
    let folder = folder();
    let path = folder.path().join("peers");
    let store = TrustStore::open(&path).unwrap();
    assert!(!store.is_saved(store.saved().try_lock().unwrap().as_ref()), "there is no file");
    store.change(|peers| peers.pair(peer(3), Grant::Read, &[address(1)])).unwrap();
    store.save(&mut store.saved().try_lock().unwrap()).unwrap();

    let store = TrustStore::open(&path).unwrap();
    let saved = store.saved();
    let saved = saved.try_lock().unwrap();
    assert!(store.is_saved(saved.as_ref()));
    store.change(|peers| peers.reached(&peer(3), address(2)));
    assert!(!store.is_saved(saved.as_ref()) && store.differs_in_addresses(saved.as_ref()));
    let more: [fn(&mut Peers); 3] = [
        |peers| peers.revoke(peer(3)).unwrap(),
        |peers| peers.pair(peer(3), Grant::Write, &[address(1)]).unwrap(),
        |peers| peers.pair(peer(4), Grant::Read, &[]).unwrap(),
    ];
    for change in more {
        let store = TrustStore::open(&path).unwrap();
        store.change(change);
        assert!(!store.differs_in_addresses(saved.as_ref()));
    }
    assert!(!store.differs_in_addresses(None), "there was no file");
}

/// Any byte that differs, and any length.
#[test]
fn files_that_are_damaged_are_refused_and_stay() {
    let folder = folder();
    let (key, peers) = (folder.path().join("peer.key"), folder.path().join("peers"));
    let made = PeerKey::open(&key).unwrap().peer();
    let store = TrustStore::open(&peers).unwrap();
    store.change(|peers| peers.pair(peer(3), Grant::Write, &[address(1), address(2)])).unwrap();
    store.change(|peers| peers.revoke(peer(4))).unwrap();
    store.save(&mut None).unwrap();

    let damage = |path: &Path, opens: &dyn Fn() -> bool| {
        let whole = fs::read(path).unwrap();
        let mut rng = Rng::new(5);
        for length in 0..whole.len() {
            fs::write(path, &whole[..length]).unwrap();
            assert!(!opens(), "of {length} bytes");
            assert_eq!(fs::read(path).unwrap(), &whole[..length]);
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << rng.below(8);
            fs::write(path, &bytes).unwrap();
            assert!(!opens(), "byte {at}: {:?}", String::from_utf8_lossy(&bytes));
        }
        fs::write(path, vec![b'x'; 2 << 20]).unwrap();
        assert!(!opens());
        fs::write(path, &whole).unwrap();
        assert!(opens());
    };
    damage(&key, &|| PeerKey::open(&key).is_ok_and(|key| key.peer() == made));
    damage(&peers, &|| TrustStore::open(&peers).is_ok());
    assert_eq!(TrustStore::open(&peers).unwrap().peers(), store.peers());
    assert!(matches!(
        PeerKey::open(folder.path()).unwrap_err().fault(),
        FileFault::NotAFile | FileFault::Io(_)
    ));
}

#[test]
fn a_store_is_bounded_and_revocation_stays() {
    let mut peers = Peers::default();
    let name = |number: usize| {
        let mut name = [0; 32];
        name[..8].copy_from_slice(&(number as u64).to_be_bytes());
        Peer(name)
    };
    for number in 0..PEERS - 1 {
        peers.pair(name(number), Grant::Write, &[]).unwrap();
    }
    peers.revoke(peer(9)).unwrap();
    assert!(peers.pair(peer(8), Grant::Write, &[]).is_err());
    assert!(peers.revoke(peer(8)).is_err());
    let members = [(peer(8), Grant::Write), (peer(9), Grant::Owner)];
    assert_eq!(peers.set_members(peer(1), &members), 1);
    assert!(!peers.is_trusted(&peer(9)) && !peers.is_trusted(&peer(8)));

    for port in 0..20 {
        peers.reached(&name(3), address(port));
    }
    let Some(Entry::Trusted { addresses, .. }) = peers.get(&name(3)) else { panic!("it is trusted") };
    assert_eq!(addresses, &(12..20).rev().map(address).collect::<Vec<_>>());
}

#[test]
fn a_member_is_trusted_as_long_as_it_is_one() {
    let mut peers = Peers::default();
    peers.pair(peer(2), Grant::Read, &[address(1)]).unwrap();
    let (me, members) =
        (peer(1), [(peer(1), Grant::Owner), (peer(2), Grant::Write), (peer(3), Grant::Write)]);
    // What was paired stays until it is a member.
    peers.set_members(me, &members[..1]);
    assert!(peers.is_trusted(&peer(2)) && !peers.is_trusted(&me));
    peers.set_members(me, &members);
    assert!(peers.is_trusted(&peer(2)) && peers.is_trusted(&peer(3)) && !peers.is_trusted(&me));
    let Some(Entry::Trusted { grant, origin, addresses }) = peers.get(&peer(2)) else {
        panic!("it is trusted")
    };
    assert_eq!((*grant, *origin, &addresses[..]), (Grant::Write, TrustOrigin::Member, &[address(1)][..]));
    // A retired one is not asked back by its old ticket.
    peers.set_members(me, &members[..1]);
    assert!(!peers.is_trusted(&peer(2)) && !peers.is_trusted(&peer(3)));
}

fn ticket() -> Ticket {
    Ticket {
        peer: peer(1),
        group: RunHash([2; 32]),
        secret: [3; 16],
        founders: vec![(peer(1), Grant::Owner), (peer(9), Grant::Read)],
        addresses: vec![address(4000), "[::1]:5000".parse().unwrap()],
    }
}

#[test]
fn a_ticket_is_text_and_a_code() {
    let ticket = ticket();
    let text = ticket.text();
    assert!(
        text.starts_with("cp1")
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    );
    assert_eq!(text.parse(), Ok(ticket.clone()));
    assert_eq!(format!("  {}\n", text.to_uppercase()).parse(), Ok(ticket.clone()));
    assert!(ticket.qr().lines().count() > 20);
    assert!(!format!("{ticket:?}").contains("3, 3"), "{ticket:?}");

    for at in 3..text.len() {
        let mut wrong = text.clone().into_bytes();
        wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
        let wrong = String::from_utf8(wrong).unwrap();
        assert!(wrong.parse::<Ticket>().is_err(), "character {at}");
        assert!(text[..at].parse::<Ticket>().is_err(), "of {at} characters");
    }
    // As much as it can hold.
    let most = Ticket {
        founders: (2..6).map(|number| (peer(number), Grant::Owner)).collect(),
        addresses: (0..8).map(|port| SocketAddr::from(([u16::MAX; 8], port))).collect(),
        ..ticket
    };
    assert_eq!(most.text().parse(), Ok(most.clone()));
    assert_ne!(most.qr(), most.text(), "it fits in a code");

    assert_eq!("".parse::<Ticket>(), Err(TicketError::NoTicket));
    assert_eq!("cp1é".parse::<Ticket>(), Err(TicketError::Malformed));
    assert_eq!(format!("cp1{}", "a".repeat(1000)).parse::<Ticket>(), Err(TicketError::Malformed));
}

#[test]
fn a_ticket_works_once_and_within_its_time() {
    paused(async {
        let tickets = Tickets::default();
        let first = tickets.open(Grant::Read, Duration::from_secs(60)).unwrap();
        let second = tickets.open(Grant::Write, Duration::from_secs(600)).unwrap();
        assert_ne!(first, second);
        assert_eq!(tickets.redeem(&first), Some(Grant::Read));
        assert_eq!(tickets.redeem(&first), None);
        tokio::time::advance(Duration::from_secs(599)).await;
        assert!(tickets.is_open());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!tickets.is_open());
        assert_eq!(tickets.redeem(&second), None);
        let long = tickets.open(Grant::Write, Duration::MAX).unwrap();
        tokio::time::advance(LONGEST).await;
        assert_eq!(tickets.redeem(&long), None);
    });
}

#[test]
fn secrets_cannot_be_guessed() {
    paused(async {
        let tickets = Tickets::default();
        let secret = tickets.open(Grant::Write, Duration::from_secs(600)).unwrap();
        for guess in 0..8 {
            assert_eq!(tickets.redeem(&[guess; 16]), None);
        }
        assert!(!tickets.is_open());
        assert_eq!(tickets.redeem(&secret), None, "closed for a minute");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(tickets.is_open());
        assert_eq!(tickets.redeem(&secret), Some(Grant::Write));
        for _ in 0..16 {
            tickets.open(Grant::Write, Duration::from_secs(600)).unwrap();
        }
        assert_eq!(tickets.open(Grant::Write, Duration::from_secs(600)), Err(TicketError::TooMany));
    });
}

/// Of many that redeem one ticket one is accepted.
#[test]
fn one_of_many_redeems_it() {
    let tickets = Tickets::default();
    let secret = tickets.open(Grant::Write, Duration::from_secs(600)).unwrap();
    let accepted = std::thread::scope(|scope| {
        let tickets = &tickets;
        let all: Vec<_> = (0..4).map(|_| scope.spawn(move || tickets.redeem(&secret))).collect();
        all.into_iter().filter_map(|one| one.join().unwrap()).count()
    });
    assert_eq!(accepted, 1);
}
