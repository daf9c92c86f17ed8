//! The keys of `#[worker(…)]`, each kept with its span.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use syn::Path;

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
    pub intensity: Option<Given<u32>>,
    pub period: Option<Given<Duration>>,
    pub backoff: Option<Given<Duration>>,
    pub max_backoff: Option<Given<Duration>>,
    pub cancel: Option<Given<&'static str>>,
    pub grace: Option<Given<Duration>>,
}

impl Options {
    pub(crate) fn parse(errors: &Errors, tokens: TokenStream) -> Self {
        let mut options = Self::default();
        // Without tokens of its own, an error about the attribute as a whole is shown at its call site.
        let arguments = PLACE.parse(errors, tokens, &TokenStream::new());
        let source_attempted = arguments.unread || arguments.list.iter().any(|arg| arg.key == "source");
        for arg in arguments.list {
            match arg.key.to_string().as_str() {
                "source" => options.source = arg.given(arg.path(errors)),
                "name" => options.name = arg.given(arg.name(errors)),
                "restart" => {
                    options.restart = arg.given(arg.word(errors, &["never", "on_failure", "always"]));
                }
                "intensity" => options.intensity = arg.given(arg.count(errors)),
                "period" => options.period = arg.given(arg.duration(errors)),
                "backoff" => options.backoff = arg.given(arg.duration(errors)),
                "max_backoff" => options.max_backoff = arg.given(arg.duration(errors)),
                "cancel" => options.cancel = arg.given(arg.word(errors, &["drop", "cooperative"])),
                "grace" => options.grace = arg.given(arg.duration(errors)),
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
        options.check_restarts(errors);
        options.check_limits(errors);
        options.check_grace(errors);
        options
    }

    /// Whether a generation may follow another, so that arguments have to be cloned.
    pub(crate) fn restarts(&self) -> bool {
        self.restart.as_ref().is_some_and(|restart| restart.value != "never")
    }

    /// What says how to restart makes no sense for a worker that never is.
    fn check_restarts(&self, errors: &Errors) {
        if self.restarts() {
            return;
        }
        let given = [
            position(self.intensity.as_ref()),
            position(self.period.as_ref()),
            position(self.backoff.as_ref()),
        ];
        let mut given: Vec<_> =
            given.into_iter().chain([position(self.max_backoff.as_ref())]).flatten().collect();
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

    /// Each of the two limits needs the thing that it limits.
    fn check_limits(&self, errors: &Errors) {
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
            (Some(grace), None) => {
                errors.at(&grace.key, "`grace` cannot stand without `cancel = cooperative`; add it");
            }
            (Some(grace), Some(cancel)) if cancel.value == "drop" => errors.at(
                if grace.nth > cancel.nth { &grace.key } else { &cancel.key },
                "`grace` cannot stand beside `cancel = drop`; write `cancel = cooperative`",
            ),
            _ => {}
        }
    }
}

fn position<T>(given: Option<&Given<T>>) -> Option<(usize, &Ident)> {
    given.as_ref().map(|given| (given.nth, &given.key))
}
