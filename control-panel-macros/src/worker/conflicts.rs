//! One function for each rule that the keys of `#[worker(…)]` have to keep among themselves.
//!
//! A key whose value could not be read was still given: none of these takes it for missing.

use proc_macro2::Ident;

use super::options::Options;
use crate::args::Given;
use crate::duration;
use crate::errors::Errors;
use crate::support::one_of;

impl Options {
    pub(super) fn check(&self, errors: &Errors) {
        self.check_inbox(errors);
        self.check_restarts(errors);
        self.check_limits(errors);
        self.check_grace(errors);
        self.check_kind(errors);
        self.check_stuck(errors);
    }

    /// A capacity is that of an inbox.
    fn check_inbox(&self, errors: &Errors) {
        if let Some(capacity) = &self.inbox_capacity
            && !self.stands("inbox", self.inbox.as_ref())
        {
            errors.at(
                &capacity.key,
                "`inbox_capacity` cannot stand without `inbox = Command`, the type of what it holds; add it",
            );
        }
    }

    /// What says how to restart makes no sense for a worker that never is.
    fn check_restarts(&self, errors: &Errors) {
        if self.restarts() || (self.restart.is_none() && self.stands("restart", self.restart.as_ref())) {
            return;
        }
        let escalates = self.escalate.as_ref().filter(|escalate| escalate.value != "never");
        let escalates = position(escalates);
        let given = [
            position(self.intensity.as_ref()),
            position(self.period.as_ref()),
            position(self.backoff.as_ref()),
        ];
        let mut given: Vec<_> =
            given.into_iter().chain([position(self.max_backoff.as_ref()), escalates]).flatten().collect();
        given.sort_unstable_by_key(|(nth, _)| *nth);
        let Some((first, key)) = given.first() else { return };
        let names: Vec<String> = given.iter().map(|(_, key)| key.to_string()).collect();
        let names = one_of(names.iter().map(String::as_str), "and");
        match &self.restart {
            Some(never) => errors.at(
                if never.nth > *first { &never.key } else { *key },
                format_args!("{names} cannot stand beside `restart = never`; write `restart = on_failure`"),
            ),
            None => {
                errors.at(key, format_args!("{names} cannot stand without `restart = on_failure`; add it"));
            }
        }
    }

    /// Each of the two limits needs the thing that it limits; and without a limit nothing is ever too much.
    fn check_limits(&self, errors: &Errors) {
        if let Some(unlimited) = self.intensity.as_ref().filter(|intensity| intensity.value.is_none()) {
            if let Some(period) = &self.period {
                errors.at(
                    if period.nth > unlimited.nth { &period.key } else { &unlimited.key },
                    "`period` cannot stand beside `intensity = unlimited`, which counts nothing; take `period` out, or write \
                     `intensity = 5`",
                );
            }
            if let Some(escalate) = self.escalate.as_ref().filter(|escalate| escalate.value == "panel") {
                errors.at(
                    if escalate.nth > unlimited.nth { &escalate.key } else { &unlimited.key },
                    "`escalate = panel` cannot stand beside `intensity = unlimited`: it never fails too often; write \
                     `intensity = 5`",
                );
            }
        }
        if let Some(period) = &self.period
            && !self.stands("intensity", self.intensity.as_ref())
        {
            errors
                .at(&period.key, "`period` is the window in which restarts are counted; add `intensity = 5`");
        }
        match (&self.max_backoff, &self.backoff) {
            (Some(max), None) if !self.stands("backoff", self.backoff.as_ref()) => {
                errors.at(&max.key, "`max_backoff` limits `backoff`; add `backoff = \"10ms\"`");
            }
            (Some(max), Some(base)) if max.value < base.value => errors.at(
                if max.nth > base.nth { &max.key } else { &base.key },
                format_args!(
                    "`max_backoff` is shorter than `backoff`; write `max_backoff = \"{}\"`",
                    duration::text(base.value)
                ),
            ),
            _ => {}
        }
    }

    /// Only a worker that is asked to stop has a time in which to do so.
    fn check_grace(&self, errors: &Errors) {
        match (&self.grace, &self.cancel) {
            (Some(grace), None)
                if !self.is_call() && self.knows_kind() && !self.stands("cancel", self.cancel.as_ref()) =>
            {
                errors.at(&grace.key, "`grace` cannot stand without `cancel = cooperative`; add it");
            }
            (Some(grace), Some(cancel)) if cancel.value == "drop" && !self.is_call() => errors.at(
                if grace.nth > cancel.nth { &grace.key } else { &cancel.key },
                "`grace` cannot stand beside `cancel = drop`; write `cancel = cooperative`",
            ),
            _ => {}
        }
    }

    /// What is done to a future cannot be done to a thread.
    fn check_kind(&self, errors: &Errors) {
        let Some(kind) = self.kind.as_ref().filter(|_| self.is_call()) else { return };
        let not_dropped = "a thread is asked to stop, and cannot be dropped";
        for (key, why) in [
            (self.cancel.as_ref().map(|cancel| &cancel.key), not_dropped),
            // Where `cancel` is there too, it is said of that.
            (
                self.grace
                    .as_ref()
                    .filter(|_| !self.stands("cancel", self.cancel.as_ref()))
                    .map(|grace| &grace.key),
                not_dropped,
            ),
            (
                self.stuck_after.as_ref().map(|limit| &limit.key),
                "it limits the time between two awaits; write `heartbeat = \"1s\"` instead",
            ),
        ] {
            if let Some(key) = key {
                let fix = if why == not_dropped { format!("; drop `{key}`") } else { String::new() };
                errors
                    .at(key, format_args!("`{key}` cannot stand beside `kind = {}`: {why}{fix}", kind.value));
            }
        }
        let limited = self.stands("heartbeat", self.heartbeat.as_ref())
            || self.stands("stuck_after", self.stuck_after.as_ref());
        if let Some(on_stuck) = self.on_stuck.as_ref().filter(|_| !limited) {
            errors.at(
                &on_stuck.key,
                format_args!(
                    "`on_stuck` needs `heartbeat = \"1s\"` beside `kind = {}`: nothing else tells that it is stuck",
                    kind.value
                ),
            );
        }
    }

    /// Only what can run again can be restarted.
    fn check_stuck(&self, errors: &Errors) {
        let restarts = self.on_stuck.as_ref().filter(|on_stuck| on_stuck.value == "restart");
        match (restarts, &self.restart) {
            (Some(on_stuck), None) if !self.stands("restart", self.restart.as_ref()) => errors.at(
                &on_stuck.key,
                "`on_stuck = restart` cannot stand without `restart = on_failure`; add it",
            ),
            (Some(on_stuck), Some(never)) if never.value == "never" => errors.at(
                if on_stuck.nth > never.nth { &on_stuck.key } else { &never.key },
                "`on_stuck = restart` cannot stand beside `restart = never`; write `restart = on_failure`",
            ),
            _ => {}
        }
    }
}

fn position<T>(given: Option<&Given<T>>) -> Option<(usize, &Ident)> {
    given.as_ref().map(|given| (given.nth, &given.key))
}
