//! What would have happened if one intent had not come, or had come later, or had been another.

use std::fmt;

use super::super::{
    progress::{self, Progress},
    replay::{Deviation, Player, Recorded, RecordedIntent, Recording},
};
use crate::{
    journal::intents::Body,
    replica::codec::write_postcard,
    util::difference::{Difference, difference},
};

/// A change of a recording. Frames have the journal's numbers, intents their place in the frame, from 0.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Edit<I> {
    /// The intent does not come.
    Drop {
        /// In this frame.
        frame: u64,
        /// At this place.
        intent: usize,
    },
    /// The intent comes elsewhere: at the end of a later recorded frame, or at another place of its own.
    Move {
        /// In this frame.
        frame: u64,
        /// At this place.
        intent: usize,
        /// The frame that it comes in.
        to: u64,
        /// Before which of that frame's intents; after the last if it does not have so many.
        place: usize,
    },
    /// Another intent comes in its place.
    Replace {
        /// In this frame.
        frame: u64,
        /// At this place.
        intent: usize,
        /// The new intent, with the key of the one that it replaces.
        with: I,
    },
}

/// An [`Edit`] names a frame or an intent that does not exist, or its new intent cannot be serialized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditError(String);

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EditError {}

/// The effect of a change of a recording.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WhatIf {
    /// The number of the first frame after which the states differ; `None` if they never do.
    pub first: Option<u64>,
    /// How they differ there.
    pub difference: Option<Difference>,
    /// How the states differ at the end; `None` if the change made no difference in the end.
    pub at_end: Option<Difference>,
    /// Why the unchanged recording fails, if it does.
    pub failed: Option<Deviation>,
    /// Why the changed one fails, if it does.
    pub fails: Option<Deviation>,
    /// The greatest number of runs of peers that waited for operations which the changed recording does not have. They have no effect: a
    /// peer's run names everything that it builds on by hash, so what a peer sent after it had the changed operation is lost with it.
    pub waiting: usize,
}

impl Recording {
    /// The recording with one change.
    ///
    /// # Errors
    /// There is no such frame or intent, or the new one cannot be serialized.
    pub fn edited<I: serde::Serialize>(&self, edit: Edit<I>) -> Result<Self, EditError> {
        let mut edited = self.clone();
        match edit {
            Edit::Drop { frame, intent } => drop(edited.take(frame, intent)?),
            Edit::Move { frame, intent, to, place } => {
                let taken = edited.take(frame, intent)?;
                let intents = &mut edited.frames[self.place_of(to)?].intents;
                intents.insert(place.min(intents.len()), taken);
            }
            Edit::Replace { frame, intent, with } => {
                let (mut bytes, at) = (Vec::new(), self.place_of(frame)?);
                write_postcard(&with, &mut bytes).map_err(|error| EditError(error.to_string()))?;
                let replaced =
                    edited.frames[at].intents.get_mut(intent).ok_or_else(|| no_intent(frame, intent))?;
                replaced.entry.body = Body::Value(bytes.into());
            }
        }
        Ok(edited)
    }

    /// The effect of one change: both recordings are replayed, and their states compared after each frame from the change on.
    ///
    /// Cost: from the first frame that is changed on, the `Debug` output of both states for each frame, until they differ.
    ///
    /// # Errors
    /// Those of [`edited`](Self::edited).
    pub fn what_if<S: Recorded>(&self, edit: Edit<S::Intent>) -> Result<WhatIf, EditError> {
        let edited = self.edited(edit)?;
        let changed = self.first_difference(&edited).unwrap_or(self.frames.len());
        let (mut as_it_was, mut as_it_were) = (Player::<S>::new(), Player::<S>::new());
        let mut found =
            WhatIf { first: None, difference: None, at_end: None, failed: None, fails: None, waiting: 0 };
        progress::say(Progress::Phase("replaying", 2 * self.frames.len()));
        for (index, (was, were)) in self.frames.iter().zip(&edited.frames).enumerate() {
            let (was_played, were_played) = (as_it_was.play(self, was), as_it_were.play(&edited, were));
            found.failed = found.failed.or_else(|| was_played.failure().cloned());
            found.fails = found.fails.or_else(|| were_played.failure().cloned());
            found.waiting = found.waiting.max(were_played.waiting.saturating_sub(was_played.waiting));
            if index >= changed
                && found.first.is_none()
                && let (Some(was), Some(were)) = (as_it_was.state(), as_it_were.state())
                && let Some(difference) = difference(was, were)
            {
                found.first = Some(self.frames[index].number);
                found.difference = Some(difference);
            }
        }
        if let (Some(was), Some(were)) = (as_it_was.state(), as_it_were.state()) {
            found.at_end = difference(was, were);
        }
        Ok(found)
    }

    fn take(&mut self, frame: u64, intent: usize) -> Result<RecordedIntent, EditError> {
        let at = self.place_of(frame)?;
        let intents = &mut self.frames[at].intents;
        if intent < intents.len() { Ok(intents.remove(intent)) } else { Err(no_intent(frame, intent)) }
    }

    fn place_of(&self, frame: u64) -> Result<usize, EditError> {
        let found = self.frames.binary_search_by_key(&frame, |frame| frame.number);
        found.map_err(|_| EditError(format!("there is no frame {frame}: the last is {}", self.last_frame())))
    }
}

fn no_intent(frame: u64, intent: usize) -> EditError {
    EditError(format!("frame {frame} has no intent {intent}"))
}
