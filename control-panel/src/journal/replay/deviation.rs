//! Where a replay differs from the recording, and why a recording fails.

use std::fmt;

/// A difference between a replay and its recording: where, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deviation {
    /// The journal's number of the frame.
    pub frame: u64,
    /// The intent's place in the frame, from 0; `None` if the whole frame is concerned.
    pub intent: Option<usize>,
    /// What is different.
    pub kind: DeviationKind,
}

/// What is different.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviationKind {
    /// The reducer panics, and did not when it was recorded.
    Panics {
        /// With this message.
        message: String,
        /// `file:line:column`, if it is known.
        place: Option<String>,
    },
    /// The reducer does not panic, and did when it was recorded.
    DoesNotPanic,
    /// The [digest](crate::Reducer::digest) of the state differs.
    Digest {
        /// The digest that is in the record.
        recorded: u64,
        /// The digest of the replayed state.
        replayed: u64,
    },
    /// The state differs from the one that [`Recording::noting_states`](super::Recording::noting_states) noted.
    State {
        /// The first field or item of the state that differs; empty if it differs as a whole.
        path: String,
    },
    /// The intent, or its source, cannot be decoded: another program wrote it, or another version of this one.
    Unreadable(String),
    /// Frames are missing, because the journal had no room when they were to be written.
    Lost(u64),
    /// The [invariant](super::Recorded::invariant) does not hold. The record cannot say whether it did.
    Invariant(String),
    /// [`Recorded::begin`](super::Recorded::begin) fails.
    Begin(String),
}

impl Deviation {
    /// Whether this is a fault of the reducer's, in a replay of its own record: a panic, or an invariant.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self.kind, DeviationKind::Panics { .. } | DeviationKind::Invariant(_))
    }

    /// Whether two have one reason: the same place, or texts that differ only in numbers.
    pub(crate) fn same_reason(&self, other: &Self) -> bool {
        use DeviationKind::{Invariant, Panics};
        match (&self.kind, &other.kind) {
            (Panics { place: Some(one), .. }, Panics { place: Some(other), .. }) => one == other,
            (Panics { message: one, .. }, Panics { message: other, .. })
            | (Invariant(one), Invariant(other)) => without_numbers(one) == without_numbers(other),
            _ => false,
        }
    }
}

fn without_numbers(text: &str) -> String {
    let mut without = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            digit if digit.is_ascii_digit() => {
                if !without.ends_with('0') {
                    without.push('0');
                }
            }
            letter => without.push(letter),
        }
    }
    without
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {}", self.frame)?;
        if let Some(intent) = self.intent {
            write!(f, ", intent {intent}")?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl fmt::Display for DeviationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panics { message, place: Some(place) } => write!(f, "panics at {place}: {message}"),
            Self::Panics { message, place: None } => write!(f, "panics: {message}"),
            Self::DoesNotPanic => f.write_str("panicked when it was recorded, and does not now"),
            Self::Digest { recorded, replayed } => {
                write!(f, "the state's digest is {replayed:#018x}, and was {recorded:#018x}")
            }
            Self::State { path } if path.is_empty() => f.write_str("the state is another"),
            Self::State { path } => write!(f, "the state is another, in `{path}`"),
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Self::Lost(frames) => {
                write!(f, "{frames} frame(s) before it are missing: the journal had no room for them")
            }
            Self::Invariant(why) => write!(f, "the invariant does not hold: {why}"),
            Self::Begin(why) => write!(f, "the session does not begin: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_make_another_reason() {
        let fails =
            |why: &str| Deviation { frame: 1, intent: None, kind: DeviationKind::Invariant(why.into()) };
        assert!(fails("page 7 of 12 is gone").same_reason(&fails("page 113 of 4 is gone")));
        assert!(!fails("page 7 is gone").same_reason(&fails("page 7 is there twice")));
        let panics = |message: &str, place: Option<&str>| {
            let (message, place) = (message.to_owned(), place.map(str::to_owned));
            Deviation { frame: 1, intent: Some(0), kind: DeviationKind::Panics { message, place } }
        };
        assert!(panics("a", Some("x.rs:1:1")).same_reason(&panics("b", Some("x.rs:1:1"))));
        assert!(!panics("a", Some("x.rs:1:1")).same_reason(&panics("a", Some("x.rs:2:1"))));
        assert!(panics("a 1", None).same_reason(&panics("a 22", Some("x.rs:2:1"))));
        assert!(!panics("a", None).same_reason(&fails("a")));
    }
}
