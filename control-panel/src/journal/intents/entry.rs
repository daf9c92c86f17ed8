//! What a record contains of an intent, and of a frame.

use std::sync::Arc;

use crate::frame::Ending;

/// One intent of a recorded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its source, as postcard writes it.
    pub(crate) source: Arc<[u8]>,
    pub(crate) origin: u64,
    pub(crate) seq: u64,
    /// 0 for a local intent.
    pub(crate) clock: u64,
    pub(crate) body: Body,
}

/// What is known of the intent itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// As postcard writes it.
    Value(Arc<[u8]>),
    /// Only which variant it was.
    Opaque {
        variant: Arc<str>,
        /// As `#[intent(skip)]` says; else it could not be serialized.
        skipped: bool,
    },
}

impl Body {
    /// Of its bytes, or its name.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Value(bytes) => bytes.len(),
            Self::Opaque { variant, .. } => variant.len(),
        }
    }
}

/// What comes before the entries: how the frame ended, and how many frames without intents came before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) ending: Ending,
    pub(crate) empty_before: u64,
    /// How many frames before this one are missing, as the journal had no room for them.
    pub(crate) lost_before: u64,
}
