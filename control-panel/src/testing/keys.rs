//! Keys that anyone can forge, for tests of what signatures are for.

use crate::replica::{Peer, RunHash, Signer, Verifier};

/// Signs and verifies without a secret: **a peer's name is enough to sign for it**. For tests and simulations, where a forger is part
/// of the program; a real group uses real keys.
///
/// ```
/// use control_panel::{
///     Peer,
///     replica::{RunHash, Signer, Verifier},
///     testing::TestKeys,
/// };
///
/// let (alice, bob) = (Peer([1; 32]), Peer([2; 32]));
/// let signature = TestKeys.signer(alice).sign(&RunHash([7; 32]));
/// assert!(TestKeys.verify(&alice, &RunHash([7; 32]), &signature));
/// assert!(!TestKeys.verify(&bob, &RunHash([7; 32]), &signature));
/// assert!(!TestKeys.verify(&alice, &RunHash([8; 32]), &signature));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TestKeys;

/// One peer's, from [`TestKeys::signer`].
///
/// ```
/// use control_panel::{
///     Peer,
///     replica::{RunHash, Signer, Verifier},
///     testing::{TestKeys, TestSigner},
/// };
///
/// let alice: TestSigner = TestKeys.signer(Peer([1; 32]));
/// let signature = alice.sign(&RunHash([7; 32]));
/// assert!(TestKeys.verify(&Peer([1; 32]), &RunHash([7; 32]), &signature));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TestSigner(Peer);

impl TestKeys {
    /// Signs as this peer.
    pub fn signer(&self, peer: Peer) -> TestSigner {
        TestSigner(peer)
    }
}

impl Signer for TestSigner {
    fn sign(&self, hash: &RunHash) -> Vec<u8> {
        tag(&self.0, hash).to_le_bytes().to_vec()
    }
}

impl Verifier for TestKeys {
    fn verify(&self, peer: &Peer, hash: &RunHash, signature: &[u8]) -> bool {
        signature == tag(peer, hash).to_le_bytes()
    }
}

/// FNV-1a: the same on all machines.
fn tag(peer: &Peer, hash: &RunHash) -> u64 {
    let bytes = peer.0.iter().chain(&hash.0);
    bytes.fold(0xcbf2_9ce4_8422_2325, |tag, byte| (tag ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
