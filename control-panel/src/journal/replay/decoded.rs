//! Caches the runs with which sessions begin: each is decoded once per replay.

use std::{any::Any, fmt, sync::Arc};

use super::start::Past;
use crate::{
    journal::Fault,
    replica::{codec::replayed_runs, run::Run},
};

/// What the first sessions of a replay begin with: a later one has it too.
#[derive(Default)]
pub(super) struct Decoded {
    /// A `Vec<Arc<Run<Op>>>`; another type's is read anew.
    runs: Option<Box<dyn Any>>,
    /// How many of them each of these sessions has.
    ends: Vec<usize>,
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoded").field("ends", &self.ends).finish_non_exhaustive()
    }
}

impl Decoded {
    /// Those of the last of these sessions, which are the first of the replay.
    pub(super) fn runs<Op: 'static>(&mut self, pasts: &[Past]) -> Result<Vec<Arc<Run<Op>>>, Fault> {
        let known = self.runs.take().and_then(|runs| runs.downcast::<Vec<Arc<Run<Op>>>>().ok());
        if known.is_none() {
            self.ends.clear();
        }
        let mut runs = known.map_or_else(Vec::new, |runs| *runs);
        for past in pasts.iter().skip(self.ends.len()) {
            if !past.runs.is_empty() {
                runs.append(&mut replayed_runs::<Op>(&past.runs).map_err(Fault::damaged)?);
            }
            self.ends.push(runs.len());
        }
        let end = pasts.len().checked_sub(1).map_or(0, |last| self.ends[last]);
        let known = runs[..end].to_vec();
        self.runs = Some(Box::new(runs));
        Ok(known)
    }
}
