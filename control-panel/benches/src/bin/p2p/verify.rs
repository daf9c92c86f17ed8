//! A million operations, proved to be their authors'.

use std::{
    hint::black_box,
    sync::{Arc, Mutex},
};

use control_panel::{
    Delta, Peer, Replica, Stamp, State,
    replica::{
        RunHash, Signer,
        codec::{Codec, DecodeError, EncodeError, Limits, Postcard},
    },
    workers::p2p_sync::{PeerKey, PeerSignatures},
};
use control_panel_benches::{
    bars::Bars,
    rounds::Spread,
    table::{Table, short},
};

use crate::spent::thread_time;

const OPS: u64 = 1_000_000;
const ROUNDS: usize = 11;

#[derive(Clone, Default)]
struct Nothing;

impl State for Nothing {
    type Op = [u64; 5];

    fn apply(&mut self, _: &[u64; 5], _: &Stamp) {}
}

/// Leaves operations as they are: what remains is the frame of a delta, its hashes and signatures.
struct Unread;

impl Codec<()> for Unread {
    fn schema(&self) -> u32 {
        0
    }

    fn encode(&self, (): &(), _: &mut Vec<u8>) -> Result<(), EncodeError> {
        Ok(())
    }

    fn decode(&self, _: u32, _: &[u8]) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Signs one run alone, or all: a run is signed when its signature is read.
struct Sometimes {
    key: PeerKey,
    only: Option<RunHash>,
    /// Which was to be signed last.
    last: Arc<Mutex<RunHash>>,
}

impl Signer for Sometimes {
    fn sign(&self, hash: &RunHash) -> Vec<u8> {
        *self.last.lock().expect("no panic") = *hash;
        if self.only.is_none_or(|only| only == *hash) { self.key.sign(hash) } else { Vec::new() }
    }
}

fn limits() -> Limits {
    Limits::default().with_bytes(1 << 30).with_runs(1 << 24).with_ops(1 << 24)
}

/// What an author gives that committed so many a frame: with one signature, at the end, or with one for each 256 KiB, as sessions need them.
fn made(key: &PeerKey, a_frame: u64, once: bool, members: &[Peer]) -> Vec<u8> {
    if !once {
        return signed(key, a_frame, None, members).0;
    }
    // The same edits make the same runs: so the last is known.
    let (_, last) = signed(key, a_frame, Some(RunHash([0; 32])), members);
    signed(key, a_frame, Some(last), members).0
}

/// And which run was to be signed last.
fn signed(key: &PeerKey, a_frame: u64, only: Option<RunHash>, members: &[Peer]) -> (Vec<u8>, RunHash) {
    let last = Arc::new(Mutex::new(RunHash([0; 32])));
    let mut replica = Replica::builder(key.peer(), Nothing)
        .members(members.iter().copied())
        .codec(Postcard::new(), limits())
        .history(usize::MAX)
        .signer(Sometimes { key: key.clone(), only, last: Arc::clone(&last) })
        .build();
    for number in 0..OPS {
        let word = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 << 63;
        replica.commit([word, word >> 1, !word, word >> 2, word]);
        if number % a_frame == a_frame - 1 {
            let _ = (replica.settle(), replica.outbox());
        }
    }
    let _ = (replica.settle(), replica.outbox());
    let bytes = replica.since(&control_panel::replica::Version::new()).encode().expect("bytes");
    let last = *last.lock().expect("no panic");
    (bytes, last)
}

/// The processor's time of this thread: others on the machine lengthen what takes long more than what is short.
fn time(run: impl FnOnce()) -> f64 {
    let began = thread_time();
    run();
    1e3 * (thread_time() - began)
}

pub fn report(bars: &mut Bars) {
    let mut table = Table::new(&[
        "1,000,000 operations of 40 bytes",
        "signatures",
        "BLAKE3, CPU ms",
        "verified, CPU ms",
        "× BLAKE3",
        "with entries, CPU ms",
        "verified and read, CPU ms",
    ]);
    let key = PeerKey::open(crate::folder("verify").join("peer.key")).expect("a key");
    for (a_frame, once) in [(1, true), (8, true), (16, true), (64, true), (1_024, true), (64, false)] {
        let bytes = made(&key, a_frame, once, &[key.peer()]);
        let (mut ratios, mut columns) = (Vec::new(), [const { Vec::new() }; 4]);
        for round in 0..ROUNDS {
            let mut times = [0.0; 4];
            for which in if round % 2 == 0 { [0, 1, 2, 3] } else { [3, 2, 1, 0] } {
                times[which] = time(|| match which {
                    0 => _ = black_box(blake3::hash(&bytes)),
                    1 => Delta::<()>::verify(&bytes, &limits(), &PeerSignatures).expect("a signed delta"),
                    2 => {
                        let read = Delta::<()>::decode_signed(&bytes, &Unread, &limits(), &PeerSignatures);
                        drop(black_box(read.expect("a signed delta")));
                    }
                    _ => {
                        let read = Delta::<[u64; 5]>::decode_signed(
                            &bytes,
                            &Postcard::new(),
                            &limits(),
                            &PeerSignatures,
                        );
                        drop(black_box(read.expect("a signed delta")));
                    }
                });
            }
            ratios.push(times[1] / times[0]);
            columns.iter_mut().zip(times).for_each(|(column, time)| column.push(time));
        }
        let ratio = Spread::of(ratios).median;
        let (signatures, with) =
            if once { ("1", "one signature") } else { ("each 256 KiB", "a signature each 256 KiB") };
        bars.at_most(
            format!("1,000,000 operations, {a_frame} a frame, {with}: verified, × BLAKE3 of their bytes"),
            2.5,
            ratio,
        );
        let [hash, verified, entries, read] = columns.map(|column| short(Spread::of(column).median));
        table.row([
            format!("{a_frame} a frame ({} MB)", bytes.len() / 1_000_000),
            signatures.to_owned(),
            hash,
            verified,
            short(ratio),
            entries,
            read,
        ]);
    }
    println!("{table}");
}
