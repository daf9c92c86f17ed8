//! What a handle asks for: a worker's stop, or its restart.

use super::{
    Action, Machine,
    child::{AfterStop, Child, State},
};
use crate::{
    intent::Origin,
    lifecycle::{Cause, EventKind, Exit, RestartError},
};

impl Machine {
    /// Stops one worker for good.
    pub(crate) fn stop(&mut self, id: Origin, cause: Cause) {
        let Some(place) = self.members.get(id).map(|member| member.spec.place) else { return };
        self.note_stop(place, cause);
        let Some(member) = self.members.get_mut(id) else { return };
        let group = member.group();
        match &mut member.state {
            State::Waiting => self.leave(id, Exit::Cancelled, Some(cause)),
            State::Due { at } => {
                // The next member of its group takes over its wait.
                let at = at.take();
                self.inherit(group, at);
                self.leave(id, Exit::Cancelled, Some(cause));
            }
            State::Running { .. } => self.cancel(id, cause, AfterStop::End),
            // It was stopping for a restart, and now ends instead.
            State::Stopping { then, .. } if *then != AfterStop::End => self.cancel(id, cause, AfterStop::End),
            State::Stopping { .. } | State::Leaving { .. } => {}
        }
        self.advance(group);
    }

    /// Restarts one worker: its run is cancelled, and the next follows immediately. This neither counts towards its
    /// intensity nor waits for its backoff.
    pub(crate) fn restart(&mut self, id: Origin) -> Result<(), RestartError> {
        if self.is_stopping() {
            return Err(RestartError::Ended);
        }
        let ending = self.is_ending(self.members.get(id).and_then(Child::group));
        let member = self.members.get_mut(id).ok_or(RestartError::Ended)?;
        if !member.spec.options.repeatable {
            return Err(RestartError::RunsOnce);
        }
        match &mut member.state {
            State::Leaving { .. } | State::Stopping { then: AfterStop::End, .. } => Err(RestartError::Ended),
            State::Waiting | State::Stopping { then: AfterStop::Hold, .. } => {
                let group = member.group();
                self.skip_backoff(group);
                Ok(())
            }
            State::Stopping { then: AfterStop::Again, .. } => Ok(()),
            State::Due { at } => {
                if at.take().is_some() {
                    self.actions.push(Action::Wake(id));
                    self.log(id, EventKind::Waiting);
                }
                Ok(())
            }
            State::Stopping { then: then @ AfterStop::Retry { .. }, .. } => {
                *then = AfterStop::Again;
                Ok(())
            }
            State::Running { .. } if ending => Err(RestartError::Ended),
            // Its group is about to restart it anyway.
            State::Running { .. } if member.stop_pending => {
                let group = member.group();
                self.skip_backoff(group);
                Ok(())
            }
            State::Running { .. } => {
                self.cancel(id, Cause::Restart, AfterStop::Again);
                Ok(())
            }
        }
    }
}
