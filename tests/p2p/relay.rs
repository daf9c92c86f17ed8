//! A network between two endpoints, of the test's own: it delays packets, loses, doubles and disorders them, and falls in two. UDP on loopback; seeded.
//!
//! The near side has IPv6 and the far side IPv4, each on loopback: so no packet goes from one to the other but through here, as QUIC would find a shorter way else.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use control_panel::testing::Rng;

/// Packets on their way; more are lost, as in a router.
const ROOM: usize = 2_048;

/// Addresses of the near side that packets come back to; the one that was silent longest goes.
const NEAR: usize = 64;

/// How it treats a packet, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Held back so long that later ones overtake it.
    pub(crate) overtaken: u64,
}

/// What became of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) overtaken: u64,
    /// While the way was cut.
    pub(crate) cut: u64,
    pub(crate) without_room: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// From the near side to the far side.
    There = 0,
    Back = 1,
}

#[derive(Debug, Default)]
struct Control {
    faults: Mutex<Faults>,
    figures: Mutex<Figures>,
    cut: [AtomicBool; 2],
    ends: AtomicBool,
}

/// It ends with the value.
#[derive(Debug)]
pub(crate) struct Relay {
    /// Where the near side finds the far side.
    pub(crate) address: SocketAddr,
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

/// Where one end of a network may bind: `[::1]`. `None`, with the reason printed, where this machine has no such address.
pub(crate) fn near_side() -> Option<SocketAddr> {
    let near = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    match UdpSocket::bind(near) {
        Ok(_) => Some(near),
        Err(error) => {
            println!("skipped: {near} cannot be bound, and one end of the network has it: {error}");
            None
        }
    }
}

impl Relay {
    pub(crate) fn to(far: SocketAddr, seed: u64) -> Self {
        Self::from_to(Ipv4Addr::LOCALHOST, far, seed)
    }

    /// The far side sees packets come from that address.
    pub(crate) fn from_to(from: Ipv4Addr, far: SocketAddr, seed: u64) -> Self {
        let front = socket(SocketAddr::from((Ipv6Addr::LOCALHOST, 0)));
        let address = front.local_addr().unwrap();
        let control = Arc::<Control>::default();
        let carrier = Carrier::new(front, from, far, seed, Arc::clone(&control));
        let thread = Some(thread::spawn(|| carrier.run()));
        Self { address, control, thread }
    }

    pub(crate) fn faults(&self, faults: Faults) {
        *self.control.faults.lock().unwrap() = faults;
    }

    /// No packet goes that way from now on; those on their way are lost.
    pub(crate) fn cut(&self, way: Way) {
        self.control.cut[way as usize].store(true, Ordering::SeqCst);
    }

    pub(crate) fn cut_both(&self) {
        self.cut(Way::There);
        self.cut(Way::Back);
    }

    pub(crate) fn mend(&self) {
        for cut in &self.control.cut {
            cut.store(false, Ordering::SeqCst);
        }
    }

    pub(crate) fn figures(&self) -> Figures {
        *self.control.figures.lock().unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.control.ends.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn socket(at: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(at).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// An address of the near side, and the socket that the far side knows it by.
struct Near {
    address: SocketAddr,
    socket: UdpSocket,
    heard: Instant,
    id: u64,
}

/// In the order in which they are due; of one time the first comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    at: Instant,
    number: u64,
    way: Way,
    near: u64,
    bytes: Vec<u8>,
}

struct Carrier {
    front: UdpSocket,
    from: Ipv4Addr,
    far: SocketAddr,
    near: Vec<Near>,
    /// For each way, so that the fate of its n-th packet is the seed's.
    rng: [Rng; 2],
    on_their_way: BinaryHeap<Reverse<Packet>>,
    number: u64,
    control: Arc<Control>,
}

impl Carrier {
    fn new(front: UdpSocket, from: Ipv4Addr, far: SocketAddr, seed: u64, control: Arc<Control>) -> Self {
        let rng = [Rng::new(2 * seed), Rng::new(2 * seed + 1)];
        Self { front, from, far, near: Vec::new(), rng, on_their_way: BinaryHeap::new(), number: 0, control }
    }

    fn run(mut self) {
        let mut buffer = vec![0; 1 << 16];
        while !self.control.ends.load(Ordering::SeqCst) {
            // An error is what an ICMP message left behind: the next call gives what came.
            for _ in 0..ROOM {
                let Ok((length, from)) = self.front.recv_from(&mut buffer) else { break };
                let near = self.near_of(from);
                self.take(Way::There, near, &buffer[..length]);
            }
            for index in 0..self.near.len() {
                for _ in 0..ROOM {
                    let near = &self.near[index];
                    let Ok((length, from)) = near.socket.recv_from(&mut buffer) else { break };
                    let id = near.id;
                    if from == self.far {
                        self.take(Way::Back, id, &buffer[..length]);
                    }
                }
            }
            self.deliver();
            thread::sleep(Duration::from_micros(500));
        }
    }

    fn near_of(&mut self, address: SocketAddr) -> u64 {
        let now = Instant::now();
        if let Some(near) = self.near.iter_mut().find(|near| near.address == address) {
            near.heard = now;
            return near.id;
        }
        if self.near.len() == NEAR {
            let oldest = (0..NEAR).min_by_key(|index| self.near[*index].heard).unwrap();
            self.near.swap_remove(oldest);
        }
        self.number += 1;
        let socket = socket(SocketAddr::from((self.from, 0)));
        self.near.push(Near { address, socket, heard: now, id: self.number });
        self.number
    }

    fn take(&mut self, way: Way, near: u64, bytes: &[u8]) {
        let faults = *self.control.faults.lock().unwrap();
        let mut figures = self.control.figures.lock().unwrap();
        let rng = &mut self.rng[way as usize];
        let (lost, doubled, overtaken) =
            (rng.chance(faults.lost), rng.chance(faults.doubled), rng.chance(faults.overtaken));
        let (short, long) = (rng.below(2_000), 5_000 + rng.below(25_000));
        if self.control.cut[way as usize].load(Ordering::SeqCst) {
            figures.cut += 1;
            return;
        }
        if lost {
            figures.lost += 1;
            return;
        }
        figures.doubled += u64::from(doubled);
        figures.overtaken += u64::from(overtaken);
        let delay = if faults.overtaken == 0 {
            0
        } else if overtaken {
            long
        } else {
            short
        };
        let now = Instant::now();
        for copy in 0..=u64::from(doubled) {
            if self.on_their_way.len() == ROOM {
                figures.without_room += 1;
                return;
            }
            self.number += 1;
            let at = now + Duration::from_micros(delay + copy * short);
            let packet = Packet { at, number: self.number, way, near, bytes: bytes.to_vec() };
            self.on_their_way.push(Reverse(packet));
        }
    }

    fn deliver(&mut self) {
        let now = Instant::now();
        while self.on_their_way.peek().is_some_and(|Reverse(packet)| packet.at <= now) {
            let Some(Reverse(packet)) = self.on_their_way.pop() else { return };
            let mut figures = self.control.figures.lock().unwrap();
            if self.control.cut[packet.way as usize].load(Ordering::SeqCst) {
                figures.cut += 1;
                continue;
            }
            let Some(near) = self.near.iter().find(|near| near.id == packet.near) else { continue };
            figures.delivered += 1;
            drop(figures);
            match packet.way {
                Way::There => near.socket.send_to(&packet.bytes, self.far),
                Way::Back => self.front.send_to(&packet.bytes, near.address),
            }
            .ok();
        }
    }
}

/// What the n-th packet of a way meets is the seed's, whenever it comes.
#[test]
fn a_seed_decides_what_becomes_of_packets() {
    if near_side().is_none() {
        return;
    }
    let carry = |seed: u64| {
        let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        far.set_read_timeout(Some(crate::node::LONG)).unwrap();
        let relay = Relay::to(far.local_addr().unwrap(), seed);
        relay.faults(Faults { lost: 20, doubled: 20, overtaken: 0 });
        let near = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
        let mut heard = Vec::new();
        let mut buffer = [0; 16];
        for number in 0..100_u64 {
            near.send_to(&number.to_le_bytes(), relay.address).unwrap();
            // One at a time, so that no buffer of the system loses any.
            let before = relay.figures();
            let began = Instant::now();
            while relay.figures() == before && began.elapsed() < crate::node::LONG {
                thread::sleep(Duration::from_micros(200));
            }
        }
        let began = Instant::now();
        let all = |figures: Figures| figures.delivered == 100 - figures.lost + figures.doubled;
        while !all(relay.figures()) && began.elapsed() < crate::node::LONG {
            thread::sleep(Duration::from_millis(1));
        }
        for _ in 0..relay.figures().delivered {
            assert_eq!(far.recv(&mut buffer).unwrap(), 8);
            heard.push(u64::from_le_bytes(*buffer.first_chunk().unwrap()));
        }
        let figures = relay.figures();
        assert!(figures.lost > 5 && figures.doubled > 5 && figures.overtaken == 0, "{figures:?}");
        heard.sort_unstable();
        heard
    };
    let (first, again, other) = (carry(1), carry(1), carry(2));
    assert_eq!(first, again);
    assert_ne!(first, other);
}
