//! What a delta is on a wire.

use tokio_util::bytes::Bytes;

/// The bytes of a delta.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// As they came.
    Whole(Vec<u8>),
    /// As they are sent: some of these belong to others, too.
    Parts(Vec<Bytes>),
}

impl Body {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Parts(parts) => parts.iter().map(Bytes::len).sum(),
        }
    }

    /// Appends a copy.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Whole(bytes) => out.extend_from_slice(bytes),
            Self::Parts(parts) => parts.iter().for_each(|part| out.extend_from_slice(part)),
        }
    }

    pub(super) fn into_parts(self) -> Vec<Bytes> {
        match self {
            Self::Whole(bytes) => vec![bytes.into()],
            Self::Parts(parts) => parts,
        }
    }

    /// Costs nothing where they came.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Parts(parts) => parts.concat(),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Whole(bytes)
    }
}

impl From<Vec<Bytes>> for Body {
    fn from(parts: Vec<Bytes>) -> Self {
        Self::Parts(parts)
    }
}
