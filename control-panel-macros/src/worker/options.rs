//! The keys of `#[worker(…)]`, each kept with its span.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use syn::{LitStr, Path};

use super::inbox;
use crate::args::{Given, Key, Place};
use crate::errors::Errors;
use crate::support::one_of;

const PLACE: Place = Place {
    name: "`#[worker]`",
    keys: &[
        Key::valued("source", "source = Path::To::Source"),
        Key::valued("name", "name = other_name"),
        Key::valued("restart", "restart = on_failure"),
        Key::valued("intensity", "intensity = 5"),
        Key::valued("period", "period = \"10s\""),
        Key::valued("backoff", "backoff = \"10ms\""),
        Key::valued("max_backoff", "max_backoff = \"30s\""),
        Key::valued("cancel", "cancel = cooperative"),
        Key::valued("grace", "grace = \"2s\""),
        Key::valued("suspend", "suspend = on_idle"),
        Key::valued("inbox", "inbox = Command"),
        Key::valued("inbox_capacity", "inbox_capacity = 64"),
        Key::valued("kind", "kind = blocking"),
        Key::valued("after", "after = \"store\""),
        Key::valued("escalate", "escalate = panel"),
        Key::flag("significant"),
        Key::valued("stuck_after", "stuck_after = \"5s\""),
        Key::valued("on_stuck", "on_stuck = restart"),
        Key::valued("heartbeat", "heartbeat = \"1s\""),
        Key::valued("ready_within", "ready_within = \"5s\""),
        Key::valued("crate", "crate = ::control_panel"),
    ],
    elsewhere: &[("clock", "`clock` is said of an intent: write `#[intent(clock = field)]` on its variant")],
};

/// What was given; `None` is what the runtime does by default.
#[derive(Default)]
pub(crate) struct Options {
    pub source: Option<Given<Path>>,
    pub name: Option<Given<Ident>>,
    pub krate: Option<Given<Path>>,
    pub restart: Option<Given<&'static str>>,
    /// `None` in it: without limit.
    pub intensity: Option<Given<Option<u32>>>,
    pub period: Option<Given<Duration>>,
    pub backoff: Option<Given<Duration>>,
    pub max_backoff: Option<Given<Duration>>,
    pub cancel: Option<Given<&'static str>>,
    pub grace: Option<Given<Duration>>,
    pub suspend: Option<Given<&'static str>>,
    pub inbox: Option<Given<TokenStream>>,
    pub inbox_capacity: Option<Given<u32>>,
    pub kind: Option<Given<&'static str>>,
    pub after: Option<Given<Vec<LitStr>>>,
    pub escalate: Option<Given<&'static str>>,
    pub significant: bool,
    pub stuck_after: Option<Given<Duration>>,
    pub on_stuck: Option<Given<&'static str>>,
    pub heartbeat: Option<Given<Duration>>,
    pub ready_within: Option<Given<Duration>>,
}

impl Options {
    pub(crate) fn parse(errors: &Errors, tokens: TokenStream) -> Self {
        let mut options = Self::default();
        // Without tokens of its own, an error about the attribute as a whole is shown at its call site.
        let arguments = PLACE.parse(errors, tokens, &TokenStream::new());
        let attempted = |key: &str| arguments.unread || arguments.list.iter().any(|arg| arg.key == key);
        let (source_attempted, inbox_attempted) = (attempted("source"), attempted("inbox"));
        for arg in arguments.list {
            match arg.key.to_string().as_str() {
                "source" => options.source = arg.given(arg.path(errors)),
                "name" => options.name = arg.given(arg.name(errors)),
                "restart" => {
                    options.restart = arg.given(arg.word(errors, &["never", "on_failure", "always"]));
                }
                "intensity" => options.intensity = arg.given(arg.count_or(errors, "unlimited")),
                "period" => options.period = arg.given(arg.duration(errors)),
                "backoff" => options.backoff = arg.given(arg.any_duration(errors)),
                "max_backoff" => options.max_backoff = arg.given(arg.duration(errors)),
                "cancel" => options.cancel = arg.given(arg.word(errors, &["drop", "cooperative"])),
                "grace" => options.grace = arg.given(arg.duration(errors)),
                "suspend" => options.suspend = arg.given(arg.word(errors, &["never", "on_idle"])),
                "inbox" => options.inbox = arg.given(inbox::read(errors, &arg)),
                "inbox_capacity" => options.inbox_capacity = arg.given(arg.count(errors)),
                "kind" => {
                    options.kind = arg.given(arg.word(errors, &["async", "local", "blocking", "thread"]));
                }
                "after" => options.after = arg.given(arg.quoted_names(errors)),
                "escalate" => options.escalate = arg.given(arg.word(errors, &["never", "panel"])),
                "significant" => options.significant = true,
                "stuck_after" => options.stuck_after = arg.given(arg.duration(errors)),
                "on_stuck" => {
                    options.on_stuck = arg.given(arg.word(errors, &["warn", "restart", "escalate"]));
                }
                "heartbeat" => options.heartbeat = arg.given(arg.duration(errors)),
                "ready_within" => options.ready_within = arg.given(arg.duration(errors)),
                _ => options.krate = arg.given(arg.crate_path(errors)),
            }
        }
        if !source_attempted {
            errors.at_span(
                Span::call_site(),
                "a worker needs `source = …`, who its intents come from; write \
                 `#[worker(source = IntentSource::ModLoader)]` or name a source of your own",
            );
        }
        if let Some(capacity) = options.inbox_capacity.as_ref().filter(|_| !inbox_attempted) {
            errors.at(
                &capacity.key,
                "`inbox_capacity` cannot stand without `inbox = Command`, the type of what it holds; add it",
            );
        }
        options.check_restarts(errors);
        options.check_limits(errors);
        options.check_grace(errors);
        options.check_kind(errors);
        options.check_stuck(errors);
        options
    }

    /// Whether a generation may follow another, so that arguments have to be cloned.
    pub(crate) fn restarts(&self) -> bool {
        self.restart.as_ref().is_some_and(|restart| restart.value != "never")
    }

    pub(crate) fn suspends(&self) -> bool {
        self.suspend.as_ref().is_some_and(|suspend| suspend.value == "on_idle")
    }

    /// Whether its body is a plain call and not a future: then it has a thread for as long as it runs.
    pub(crate) fn is_call(&self) -> bool {
        self.kind.as_ref().is_some_and(|kind| matches!(kind.value, "blocking" | "thread"))
    }

    /// What says how to restart makes no sense for a worker that never is.
    fn check_restarts(&self, errors: &Errors) {
        if self.restarts() {
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
        if let (Some(period), None) = (&self.period, &self.intensity) {
            errors
                .at(&period.key, "`period` is the window in which restarts are counted; add `intensity = 5`");
        }
        match (&self.max_backoff, &self.backoff) {
            (Some(max), None) => {
                errors.at(&max.key, "`max_backoff` limits `backoff`; add `backoff = \"10ms\"`");
            }
            (Some(max), Some(base)) if max.value < base.value => errors.at(
                if max.nth > base.nth { &max.key } else { &base.key },
                "`max_backoff` is shorter than `backoff`; make it at least as long",
            ),
            _ => {}
        }
    }

    /// Only a worker that is asked to stop has a time in which to do so.
    fn check_grace(&self, errors: &Errors) {
        match (&self.grace, &self.cancel) {
            (Some(grace), None) if !self.is_call() => {
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
        let told = "a thread is told to stop, and cannot be dropped";
        for (key, why) in [
            (self.cancel.as_ref().map(|cancel| &cancel.key), told),
            // Where `cancel` is there too, it is said of that.
            (self.grace.as_ref().filter(|_| self.cancel.is_none()).map(|grace| &grace.key), told),
            (
                self.stuck_after.as_ref().map(|limit| &limit.key),
                "it limits the time between two awaits; write `heartbeat = \"1s\"` instead",
            ),
        ] {
            if let Some(key) = key {
                errors.at(key, format_args!("`{key}` cannot stand beside `kind = {}`: {why}", kind.value));
            }
        }
        if let (Some(on_stuck), None, None) = (&self.on_stuck, &self.heartbeat, &self.stuck_after) {
            errors.at(
                &on_stuck.key,
                format_args!(
                    "`on_stuck` needs `heartbeat = \"1s\"` beside `kind = {}`: nothing else tells that it is stuck",
                    kind.value
                ),
            );
        }
    }

    /// Only who can run again can be restarted.
    fn check_stuck(&self, errors: &Errors) {
        let restarts = self.on_stuck.as_ref().filter(|on_stuck| on_stuck.value == "restart");
        match (restarts, &self.restart) {
            (Some(on_stuck), None) => errors.at(
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
