//! A million operations, proved to be their authors'.

use std::time::Instant;

use control_panel::{
    Delta, Peer, Replica, Stamp, State,
    replica::codec::{Limits, Postcard},
    workers::p2p_sync::{PeerKey, PeerSignatures},
};
use control_panel_benches::{
    bars::Bars,
    rounds::Spread,
    table::{Table, short},
};

const OPS: u64 = 1_000_000;
const ROUNDS: usize = 11;

#[derive(Clone, Default)]
struct Nothing;

impl State for Nothing {
    type Op = [u64; 5];

    fn apply(&mut self, _: &[u64; 5], _: &Stamp) {}
}

fn limits() -> Limits {
    Limits::default().with_bytes(1 << 30).with_runs(1 << 24).with_ops(1 << 24)
}

/// What an author gives that committed so many a frame.
fn made(key: PeerKey, a_frame: u64, members: &[Peer]) -> Vec<u8> {
    let mut replica = Replica::builder(key.peer(), Nothing)
        .members(members.iter().copied())
        .codec(Postcard::new(), limits())
        .history(usize::MAX)
        .signer(key)
        .build();
    for number in 0..OPS {
        let word = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 << 63;
        replica.commit([word, word >> 1, !word, word >> 2, word]);
        if number % a_frame == a_frame - 1 {
            let _ = (replica.settle(), replica.outbox());
        }
    }
    let _ = (replica.settle(), replica.outbox());
    replica.since(&control_panel::replica::Version::new()).encode().expect("bytes")
}

pub fn report(bars: &mut Bars) {
    let mut table = Table::new(&[
        "1,000,000 operations of 40 bytes",
        "BLAKE3 ms",
        "read, ms",
        "read and verified, ms",
        "verified, × BLAKE3",
    ]);
    let key = PeerKey::open(crate::folder("verify").join("peer.key")).expect("a key");
    for a_frame in [8, 64, 1_024] {
        let bytes = made(key.clone(), a_frame, &[key.peer()]);
        let (mut ratios, mut columns) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
        for round in 0..ROUNDS {
            let mut times = [0.0; 3];
            for which in if round % 2 == 0 { [0, 1, 2] } else { [2, 1, 0] } {
                let began = Instant::now();
                match which {
                    0 => _ = std::hint::black_box(blake3::hash(&bytes)),
                    1 => {
                        drop(Delta::<[u64; 5]>::decode(&bytes, &Postcard::new(), &limits()).expect("a delta"))
                    }
                    _ => drop(
                        Delta::<[u64; 5]>::decode_signed(
                            &bytes,
                            &Postcard::new(),
                            &limits(),
                            &PeerSignatures,
                        )
                        .expect("a signed delta"),
                    ),
                }
                times[which] = 1e3 * began.elapsed().as_secs_f64();
            }
            ratios.push(times[2] / times[0]);
            columns.iter_mut().zip(times).for_each(|(column, time)| column.push(time));
        }
        let ratio = Spread::of(ratios).median;
        bars.at_most(
            format!("1,000,000 operations, {a_frame} a frame, read and verified, × BLAKE3 of their bytes"),
            2.5,
            ratio,
        );
        let [hash, read, verified] = columns.map(|column| short(Spread::of(column).median));
        table.row([
            format!("{a_frame} a frame ({} MB)", bytes.len() / 1_000_000),
            hash,
            read,
            verified,
            short(ratio),
        ]);
    }
    println!("{table}");
}
