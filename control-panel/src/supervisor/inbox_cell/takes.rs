//! What a worker declares of its inbox.

use std::any::{TypeId, type_name};

/// Which commands an inbox accepts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Takes {
    /// None: the worker declares no inbox.
    Nothing,
    /// The type that the worker declares.
    Only(TypeId, &'static str),
    /// The first type that is requested: for a context that belongs to no worker.
    Anything,
}

impl Takes {
    pub(crate) fn only<C: 'static>() -> Self {
        Self::Only(TypeId::of::<C>(), type_name::<C>())
    }

    pub(crate) fn takes<C: 'static>(self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Only(id, _) => id == TypeId::of::<C>(),
            Self::Anything => true,
        }
    }
}

/// Why a worker gets no inbox of the requested type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WrongInbox {
    Undeclared,
    Declared(&'static str),
    /// Another type was requested first, of a context that belongs to no worker.
    Opened(&'static str),
}

impl WrongInbox {
    pub(crate) fn say(self, worker: &str, other: &str) -> String {
        match self {
            Self::Undeclared => format!(
                "worker `{worker}` opens an inbox of `{other}` and declares none: write `inbox = Type` in its `#[worker(…)]`, or \
                 `.inbox::<Type>()` where it is made by hand, so that its handle can send commands of that type"
            ),
            Self::Declared(takes) => format!(
                "worker `{worker}` declares an inbox of `{takes}` and opens one of `{other}`: a worker has one type of command, so \
                 make it an enum of all of them, and name it in both places"
            ),
            Self::Opened(takes) => format!(
                "the inbox of `{worker}` takes `{takes}`, not `{other}`: a worker has one type of command, so make it an enum of \
                 all of them"
            ),
        }
    }
}

/// What a worker declares of its inbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InboxOptions {
    pub(crate) takes: Takes,
    /// How many commands it holds.
    pub(crate) capacity: usize,
}

impl InboxOptions {
    /// For a context that belongs to no worker.
    pub(in crate::supervisor) fn anything() -> Self {
        Self { takes: Takes::Anything, ..Self::default() }
    }
}

impl Default for InboxOptions {
    fn default() -> Self {
        Self { takes: Takes::Nothing, capacity: 32 }
    }
}
