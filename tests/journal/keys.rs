//! A journal is sent with a bug report: the key of its peer is not in it.

use std::fs;

use control_panel::{
    Peer, Version,
    journal::{Journal, Recording},
    replica::{RunHash, Signer, Verifier, codec::Limits},
};

use crate::{HERE, builder, frame};

/// What no one else may have.
const SECRET: [u8; 32] = *b"the secret half of this peer's k";

struct Key([u8; 32]);

impl Signer for Key {
    fn sign(&self, hash: &RunHash) -> Vec<u8> {
        self.0.iter().zip(hash.0).map(|(key, byte)| key ^ byte).collect()
    }
}

struct AnyKey;

impl Verifier for AnyKey {
    fn verify(&self, _: &Peer, _: &RunHash, signature: &[u8]) -> bool {
        signature.len() == 32
    }
}

#[test]
fn the_key_that_signs_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    let mut replica = journal.replica(builder(HERE).signer(Key(SECRET)).verifier(AnyKey)).unwrap();
    frame(&mut replica, "a word that is there");
    drop(replica.outbox());
    journal.flush().unwrap();
    let sent = journal.since(&Version::new(), &Limits::default()).unwrap().deltas;
    journal.close().unwrap();
    let export = Recording::open(&path).unwrap().to_bytes();
    let mut files: Vec<Vec<u8>> =
        fs::read_dir(folder.path()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(files.iter().any(|file| holds(file, b"a word that is there")));
    files.push(export);
    files.extend(sent);
    assert!(files.iter().all(|file| !holds(file, &SECRET[..8])));
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
