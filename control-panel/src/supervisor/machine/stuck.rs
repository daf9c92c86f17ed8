//! What the watchdog's findings come to.

use std::time::Duration;

use super::Machine;
use crate::{
    intent::order::Origin,
    lifecycle::{event::EventKind, options::OnStuck},
};

impl Machine {
    /// The watchdog found this generation stuck, for at least that time.
    pub(crate) fn found_stuck(&mut self, id: Origin, generation: u64, time: Duration) {
        let Some(member) = self.members.get_mut(id) else { return };
        let running = member.is_running();
        if !member.runs(generation) || member.stuck {
            return;
        }
        member.stuck = true;
        let on_stuck = member.spec.on_stuck;
        self.tell(id, EventKind::Stuck(time));
        // Who was told to stop cannot be told more, and while everybody stops nobody starts.
        if running && !self.is_stopping() {
            match on_stuck {
                OnStuck::Warn => {}
                OnStuck::Restart => self.restart_stuck(id),
                OnStuck::Escalate => self.escalate_stuck(id),
            }
        }
    }

    /// What was stuck moves again.
    pub(crate) fn recovered(&mut self, id: Origin) {
        let Some(member) = self.members.get_mut(id) else { return };
        if std::mem::take(&mut member.stuck) {
            self.tell(id, EventKind::Recovered);
        }
    }

    /// Whether it runs a generation that has to keep its promise of heartbeats. One that was told to stop has to no more, but
    /// neither has it recovered by that.
    pub(crate) fn owes_heartbeats(&self, id: Origin) -> bool {
        self.members
            .get(id)
            .is_some_and(|member| member.is_running() || (member.is_stopping() && member.stuck))
    }
}
