//! The key that a peer is.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use iroh::{PublicKey, SecretKey, Signature};

use super::secret_file::{self, FileError, FileFault};
use crate::{
    Peer,
    replica::{RunHash, Signer, Verifier},
};

const FIRST_LINE: &str = "control-panel key v1";

/// The longest key file.
const MOST_BYTES: u64 = 256;

/// The secret key whose public half is this program's [`Peer`]. Whatever has its file is that peer.
///
/// ```
/// use control_panel::workers::p2p_sync::PeerKey;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("peer.key");
/// let key = PeerKey::open(&path)?; // made the first time
/// assert_eq!(PeerKey::open(&path)?.peer(), key.peer());
/// assert_eq!(format!("{key:?}"), format!("PeerKey({})", key.peer()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It signs a replica's runs: give a clone to [`ReplicaBuilder::signer`](crate::replica::ReplicaBuilder::signer), and [`PeerSignatures`] to `verifier`.
#[derive(Clone)]
pub struct PeerKey {
    secret: SecretKey,
    path: PathBuf,
}

impl PeerKey {
    /// Opens the key file at this path, or makes one if there is none. Its parent folder must exist.
    ///
    /// It blocks: call it before the first frame.
    ///
    /// # Errors
    /// [`FileError`], and the file is as it was: others may read it (on Unix, any of the last six bits of its mode is set), or it is no key file. A damaged one is never
    /// replaced, as that would be another peer.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        Self::try_open(path).map_err(|fault| fault.at(path))
    }

    fn try_open(path: &Path) -> Result<Self, FileFault> {
        if let Some(bytes) = secret_file::read(path, MOST_BYTES)? {
            return Ok(Self { secret: parse(&bytes)?, path: path.into() });
        }
        let secret = SecretKey::generate();
        match secret_file::create(path, text(&secret).as_bytes()) {
            Ok(()) => Ok(Self { secret, path: path.into() }),
            // Another process made one meanwhile.
            Err(FileFault::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists => {
                let bytes = secret_file::read(path, MOST_BYTES)?.unwrap_or_default();
                Ok(Self { secret: parse(&bytes)?, path: path.into() })
            }
            Err(fault) => Err(fault),
        }
    }

    /// The public half.
    pub fn peer(&self) -> Peer {
        Peer(*self.secret.public().as_bytes())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

/// A check, as no one may type it in wrong and be another peer.
fn check(secret: &SecretKey) -> String {
    HEXLOWER.encode(&secret.public().as_bytes()[..8])
}

fn text(secret: &SecretKey) -> String {
    format!("{FIRST_LINE}\n{}\n{}\n", HEXLOWER.encode(&secret.to_bytes()), check(secret))
}

fn parse(bytes: &[u8]) -> Result<SecretKey, FileFault> {
    let wrong = |line, what| FileFault::Malformed { line, what };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong(1, "it is not text"))?;
    let mut lines = text.lines();
    if lines.next() != Some(FIRST_LINE) {
        return Err(wrong(1, "it does not begin with `control-panel key v1`"));
    }
    let secret = lines.next().and_then(|line| HEXLOWER.decode(line.as_bytes()).ok());
    let secret: [u8; 32] = secret
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(wrong(2, "the key is not 64 hexadecimal digits"))?;
    let secret = SecretKey::from_bytes(&secret);
    if lines.next() != Some(&check(&secret)) || lines.next().is_some() || !text.ends_with('\n') {
        return Err(wrong(3, "the check is not of this key"));
    }
    Ok(secret)
}

/// Shows the public half.
impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerKey({})", self.peer())
    }
}

impl Signer for PeerKey {
    fn sign(&self, hash: &RunHash) -> Vec<u8> {
        self.secret.sign(&hash.0).to_bytes().to_vec()
    }
}

/// Checks that runs are signed with the keys that their peers are (ed25519).
#[derive(Clone, Copy, Debug, Default)]
pub struct PeerSignatures;

impl Verifier for PeerSignatures {
    fn verify(&self, peer: &Peer, hash: &RunHash, signature: &[u8]) -> bool {
        let Ok(key) = PublicKey::from_bytes(&peer.0) else { return false };
        Signature::try_from(signature).is_ok_and(|signature| key.verify(&hash.0, &signature).is_ok())
    }
}
