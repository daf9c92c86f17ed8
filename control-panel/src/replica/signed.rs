//! A run's signature, made when somebody needs it.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use super::{RunHash, Signer};

/// Over a run's hash. Empty where nothing is signed, and where the signature of a later run of the chain covers it.
///
/// One of this replica's own is due until its bytes are read: of a chain that is sent only the last signature travels, so that a replica which edits a thousand times between two
/// messages signs once, and on the thread that sends. Whether there is one is known without it.
pub(crate) enum Signature {
    Made(Box<[u8]>),
    Due(Box<Due>),
}

/// What makes it, once.
pub(crate) struct Due {
    signer: Arc<dyn Signer>,
    hash: RunHash,
    made: OnceLock<Box<[u8]>>,
}

// A signer that panics has made nothing: what is read afterwards asks it again.
impl std::panic::UnwindSafe for Due {}
impl std::panic::RefUnwindSafe for Due {}

impl Signature {
    pub(crate) fn due(signer: &Arc<dyn Signer>, hash: RunHash) -> Self {
        Self::Due(Box::new(Due { signer: Arc::clone(signer), hash, made: OnceLock::new() }))
    }

    /// Whether there is none. Makes none.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Made(bytes) if bytes.is_empty())
    }

    /// Its bytes; `longest` where it is due. Makes none, and does not change once it is made.
    #[cfg(feature = "codec")]
    #[inline]
    pub(crate) fn most(&self, longest: usize) -> usize {
        match self {
            Self::Made(bytes) => bytes.len(),
            Self::Due(_) => longest,
        }
    }
}

/// None.
impl Default for Signature {
    #[inline]
    fn default() -> Self {
        Self::Made(Box::default())
    }
}

/// Makes it, where it is due.
impl Deref for Signature {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Made(bytes) => bytes,
            Self::Due(due) => due.made.get_or_init(|| due.signer.sign(&due.hash).into()),
        }
    }
}

impl From<&[u8]> for Signature {
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        Self::Made(bytes.into())
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Made(_) => "Made",
            Self::Due(due) if due.made.get().is_some() => "Made",
            Self::Due(_) => "Due",
        })
    }
}

const _: () = assert!(size_of::<Signature>() == size_of::<Box<[u8]>>());

#[cfg(all(test, feature = "codec"))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static SIGNED: AtomicUsize = AtomicUsize::new(0);

    struct Counts;

    impl Signer for Counts {
        fn sign(&self, hash: &RunHash) -> Vec<u8> {
            SIGNED.fetch_add(1, Ordering::Relaxed);
            hash.0.to_vec()
        }
    }

    #[test]
    fn it_is_made_once_as_its_bytes_are_read() {
        let due = Signature::due(&(Arc::new(Counts) as Arc<dyn Signer>), RunHash([7; 32]));
        assert!(!due.is_empty());
        assert_eq!(due.most(128), 128);
        assert_eq!(format!("{due:?}"), "Due");
        assert_eq!(SIGNED.load(Ordering::Relaxed), 0);
        for _ in 0..3 {
            assert_eq!(*due, [7; 32]);
        }
        assert_eq!(SIGNED.load(Ordering::Relaxed), 1);
        assert_eq!((due.most(128), format!("{due:?}")), (128, "Made".to_owned()));
        assert!(Signature::from(&[][..]).is_empty() && Signature::default().is_empty());
        assert_eq!(Signature::from(&[1, 2][..]).most(128), 2);
    }
}
