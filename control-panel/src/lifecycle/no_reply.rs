//! A question that gets no answer.

use std::{error::Error, fmt};

/// The [`Reply`](crate::requests::Reply) was dropped unanswered: its holder does not answer, panicked, or is gone.
///
/// If a worker dropped it as its run ended, the worker's status shows that end by now, also for a worker on a thread,
/// and if its task or its panel was dropped. If the run continues, this error arrives at the end of its poll; from a
/// worker on a thread, when it next waits for something of the panel's, or a quarter of a second later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoReply;

impl fmt::Display for NoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the question was dropped unanswered, as its receiver ended or does not answer it: ask again, or send the reply in each case")
    }
}

impl Error for NoReply {}
