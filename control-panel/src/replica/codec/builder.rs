//! A replica whose operations leave the process.

use super::{Codec, Coding, Limits, genesis};
use crate::replica::{ReplicaBuilder, State};

/// Feature `codec`.
impl<S: State> ReplicaBuilder<S> {
    /// Encodes this replica's operations, so that its deltas [have bytes](crate::Delta::encode), and names its runs by the BLAKE3 hash
    /// of these. The schema is the codec's. Limits and the bytes of a schema are the same everywhere; with a codec and without are two groups.
    ///
    /// An operation is encoded and read back when it is committed: what others could not take is not committed, see [`Replica::commit`](crate::Replica::commit).
    ///
    /// ```
    /// use control_panel::{
    ///     Delta, Peer, Replica, Stamp, State,
    ///     replica::codec::{Limits, Postcard},
    /// };
    ///
    /// #[derive(Clone, Default, Debug, PartialEq)]
    /// struct Words(Vec<String>);
    ///
    /// impl State for Words {
    ///     type Op = String;
    ///
    ///     fn apply(&mut self, word: &String, _: &Stamp) {
    ///         self.0.push(word.clone());
    ///     }
    /// }
    ///
    /// let peers = [Peer([1; 32]), Peer([2; 32])];
    /// let replica = |peer| {
    ///     let builder = Replica::builder(peer, Words::default()).members(peers);
    ///     builder.codec(Postcard::new(), Limits::default()).build()
    /// };
    /// let (mut here, mut there) = (replica(peers[0]), replica(peers[1]));
    /// here.commit("first".to_owned());
    /// let bytes = here.outbox().unwrap().encode()?;
    /// there.merge(Delta::decode(&bytes, &Postcard::new(), &Limits::default())?);
    /// let _ = there.settle();
    /// assert_eq!(here.state(), there.state());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn codec(mut self, codec: impl Codec<S::Op>, limits: Limits) -> Self {
        let coding = Coding::new(codec, limits);
        self.schema = coding.schema();
        self.genesis = genesis;
        self.identify = Some(Box::new(coding));
        self
    }
}
