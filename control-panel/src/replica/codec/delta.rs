//! A delta's bytes, as its methods.

use std::sync::Arc;

use super::{
    Codec, DecodeError, EncodeError, Limits,
    decode::{decode_runs, verify_bytes},
    encode::encode_runs,
    message::Message,
    parts::cut,
};
use crate::replica::{
    Delta,
    signature::{LONGEST_STRETCH, ProvedBy, Verifier},
};

/// Feature `codec`.
impl<Op> Delta<Op> {
    /// The bytes, for the replicas that this is sent to. The same delta has the same bytes in every process, and a delta that was
    /// decoded has those that it was decoded from.
    ///
    /// Costs a pass over the operations' bytes, which are copied as their authors wrote them.
    ///
    /// # Errors
    /// [`EncodeError::NoCodec`].
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        encode_runs(&self.runs)
    }

    /// Reads bytes from an untrusted source, within limits. Do it where they arrive (in a worker), not on the frame's thread.
    ///
    /// Nothing is taken of bytes that are refused in part. An operation that the codec cannot read is kept and forwarded, but not applied: one of a
    /// newer schema is applied after an update of this program.
    ///
    /// ```
    /// use control_panel::{
    ///     Delta,
    ///     replica::codec::{Limits, Postcard, Refused},
    /// };
    ///
    /// let nothing =
    ///     Delta::<String>::decode(&[3, 0], &Postcard::new(), &Limits::default())?;
    /// assert!(nothing.is_empty());
    ///
    /// // A thousand million runs, in the prefix alone.
    /// let bomb = [3, 0x80, 0x94, 0xeb, 0xdc, 3];
    /// let error =
    ///     Delta::<String>::decode(&bomb, &Postcard::new(), &Limits::default())
    ///         .unwrap_err();
    /// assert!(matches!(error.refused(), Refused::Limit { what: "runs", .. }));
    /// # Ok::<(), control_panel::replica::codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// What is refused, where, and what mends it. Count it against the peer that sent the bytes, not against the authors in them.
    pub fn decode(
        bytes: &[u8],
        codec: &(impl Codec<Op> + ?Sized),
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        decode_runs(bytes, codec, limits, None).map(Self::of)
    }

    /// As [`decode`](Self::decode), and refuses what its authors did not provably write, before it reads any operation.
    ///
    /// A signature covers all runs before it in its author's chain, so a long chain costs one call of `verifier` for each 256 KiB.
    ///
    /// # Errors
    /// As `decode`, and [`Refused::Signature`](super::Refused::Signature).
    ///
    /// ```
    /// # use control_panel::{Delta, Peer, Replica, Stamp, State};
    /// # use control_panel::replica::codec::{Limits, Postcard};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Default, Serialize, Deserialize)] struct Words(Vec<String>);
    /// # impl State for Words {
    /// #     type Op = String;
    /// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()) }
    /// # }
    /// # let mut here = Replica::builder(Peer([1; 32]), Words::default())
    /// #     .codec(Postcard::new(), Limits::default())
    /// #     .build();
    /// # use control_panel::replica::{RunHash, Verifier};
    /// struct RefusesAll;
    ///
    /// impl Verifier for RefusesAll {
    ///     fn verify(&self, _: &Peer, _: &RunHash, _: &[u8]) -> bool {
    ///         false
    ///     }
    /// }
    ///
    /// here.commit("first".to_owned());
    /// let bytes = here.since(&Default::default()).encode()?;
    /// let (codec, limits) = (Postcard::new(), Limits::default());
    /// Delta::<String>::decode_signed(&bytes, &codec, &limits, &RefusesAll)
    ///     .unwrap_err(); // not signed
    /// # Ok::<(), control_panel::replica::codec::EncodeError>(())
    /// ```
    pub fn decode_signed(
        bytes: &[u8],
        codec: &(impl Codec<Op> + ?Sized),
        limits: &Limits,
        verifier: &dyn Verifier,
    ) -> Result<Self, DecodeError> {
        decode_runs(bytes, codec, limits, Some(verifier)).map(Self::of)
    }

    /// As [`decode`](Self::decode) or, with a verifier, [`decode_signed`](Self::decode_signed), of bytes that the reader has for itself: where most of them are one run,
    /// that has them as they are. What was proved is not proved again by the replica that has the verifier.
    #[cfg(feature = "p2p")]
    pub(crate) fn decode_own(
        bytes: Vec<u8>,
        codec: &(impl Codec<Op> + ?Sized),
        limits: &Limits,
        verifier: Option<&Arc<dyn Verifier>>,
    ) -> Result<Self, DecodeError> {
        Self::decode_message(Message::of(&Arc::new(bytes)), codec, limits, verifier)
    }

    /// Likewise, of bytes that are copied.
    pub(crate) fn decode_proved(
        bytes: &[u8],
        codec: &(impl Codec<Op> + ?Sized),
        limits: &Limits,
        verifier: Option<&Arc<dyn Verifier>>,
    ) -> Result<Self, DecodeError> {
        Self::decode_message(bytes.into(), codec, limits, verifier)
    }

    fn decode_message(
        message: Message<'_>,
        codec: &(impl Codec<Op> + ?Sized),
        limits: &Limits,
        verifier: Option<&Arc<dyn Verifier>>,
    ) -> Result<Self, DecodeError> {
        let Some(verifier) = verifier else {
            return decode_runs(message, codec, limits, None).map(Self::of);
        };
        let read = |verifier: &dyn Verifier| decode_runs(message, codec, limits, Some(verifier));
        let (runs, proved_by) = ProvedBy::read(verifier, read)?;
        Ok(Self { runs, proved_by: Some(proved_by) })
    }

    /// Whether all in these bytes is provably its authors' work, as [`decode_signed`](Self::decode_signed) checks it before it reads an operation: for what keeps or passes
    /// on the bytes of others, and need not know what is in them.
    ///
    /// Costs little more than BLAKE3 of the bytes where runs are long, a call of `verifier` for each signature, and no memory but for some runs at a time.
    ///
    /// # Errors
    /// As `decode_signed`.
    pub fn verify(bytes: &[u8], limits: &Limits, verifier: &dyn Verifier) -> Result<(), DecodeError> {
        verify_bytes(bytes, limits, verifier)
    }

    /// How many operations this program cannot read: they are kept and forwarded, but not applied.
    ///
    /// ```
    /// # use control_panel::{Delta, Peer, Replica, Stamp, State};
    /// # use control_panel::replica::codec::{Limits, Postcard};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Default, Serialize, Deserialize)] struct Words(Vec<String>);
    /// # impl State for Words {
    /// #     type Op = String;
    /// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()) }
    /// # }
    /// # let mut here = Replica::builder(Peer([1; 32]), Words::default())
    /// #     .codec(Postcard::new(), Limits::default())
    /// #     .build();
    /// here.commit("first".to_owned());
    /// let delta = here.since(&Default::default());
    /// assert_eq!(delta.unread(), 0); // all of a schema that is known here
    /// ```
    pub fn unread(&self) -> usize {
        self.runs.iter().map(|run| run.unread()).sum()
    }

    /// The delta in pieces that others decode within `limits`: what a peer far behind is sent. To be merged in any order.
    ///
    /// A run that is beyond the limits alone is a piece of its own. Where runs are signed, each piece ends every chain with a signature: what one
    /// signature covers stays together, also where that is beyond the limits.
    ///
    /// Costs a look at each run, however many pieces there are.
    ///
    /// ```
    /// # use control_panel::{Delta, Peer, Replica, Stamp, State};
    /// # use control_panel::replica::codec::{Limits, Postcard};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Default, Serialize, Deserialize)] struct Words(Vec<String>);
    /// # impl State for Words {
    /// #     type Op = String;
    /// #     fn apply(&mut self, word: &String, _: &Stamp) { self.0.push(word.clone()) }
    /// # }
    /// # let mut here = Replica::builder(Peer([1; 32]), Words::default())
    /// #     .codec(Postcard::new(), Limits::default())
    /// #     .build();
    /// for word in ["first", "second", "third"] {
    ///     here.commit(word.to_owned());
    ///     let _ = here.settle();
    /// }
    /// let delta = here.since(&Default::default());
    /// // In pieces that a receiver of small messages takes, in any order.
    /// let small = Limits::default().with_runs(1).with_run_ops(16);
    /// let parts = delta.parts(&small);
    /// assert_eq!(parts.iter().map(Delta::len).sum::<usize>(), delta.len());
    /// ```
    pub fn parts(&self, limits: &Limits) -> Vec<Self> {
        cut(self, limits, usize::MAX)
    }

    /// The same for peers that check signatures, without what they refuse: more under one signature than is accepted, as a journal may have it that is older than that rule.
    pub(crate) fn pieces(&self, limits: &Limits) -> Vec<Self> {
        cut(self, limits, LONGEST_STRETCH)
    }
}
