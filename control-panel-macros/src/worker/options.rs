//! The keys of `#[worker(…)]`, each kept with its span.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{LitStr, Path};

use super::inbox;
use crate::args::{Arg, Arguments, Given, Key, Place};
use crate::errors::Errors;
use crate::facade;
use crate::support::{readable, see_through};

const PLACE: Place = Place {
    name: "`#[worker]`",
    keys: &[
        Key::valued("source", "source = control_panel::IntentSource::ModLoader"),
        Key::valued("name", "name = other_name"),
        Key::worded("restart", "restart = on_failure", &["never", "on_failure", "always"]),
        Key::worded("intensity", "intensity = 5", &["unlimited"]),
        Key::valued("period", "period = \"10s\""),
        Key::valued("backoff", "backoff = \"10ms\""),
        Key::valued("max_backoff", "max_backoff = \"30s\""),
        Key::worded("cancel", "cancel = cooperative", &["drop", "cooperative"]),
        Key::valued("grace", "grace = \"2s\""),
        Key::worded("suspend", "suspend = on_idle", &["never", "on_idle"]),
        Key::valued("inbox", "inbox = Command"),
        Key::valued("inbox_capacity", "inbox_capacity = 64"),
        Key::worded("kind", "kind = blocking", &["async", "local", "blocking", "thread"]),
        Key::valued("after", "after = \"store\""),
        Key::worded("escalate", "escalate = panel", &["never", "panel"]),
        Key::flag("significant"),
        Key::valued("stuck_after", "stuck_after = \"5s\""),
        Key::worded("on_stuck", "on_stuck = restart", &["warn", "restart", "escalate"]),
        Key::valued("heartbeat", "heartbeat = \"1s\""),
        Key::valued("ready_within", "ready_within = \"5s\""),
        Key::valued("crate", "crate = ::control_panel"),
    ],
    elsewhere: &[("clock", "`clock` is said of an intent: write `#[intent(clock = field)]` on its variant")],
};

/// What was given; `None` is what the runtime does by default.
#[derive(Default)]
pub(crate) struct Options {
    pub source: Option<Given<TokenStream>>,
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
    /// Where control-panel is.
    pub home: TokenStream,
    /// What `kind` is was not written in so many words.
    kind_is_a_guess: bool,
    /// The keys that were written, or may have been.
    unread: Vec<&'static str>,
}

impl Options {
    pub(crate) fn parse(errors: &Errors, tokens: TokenStream, is_async: bool) -> Self {
        let mut options = Self::default();
        // Without tokens of its own, an error about the attribute as a whole is shown at its call site.
        let arguments = if tokens.is_empty() {
            Arguments::default()
        } else {
            // Not every kind is one for every function.
            let local = || "kind = local".to_owned();
            PLACE.parse(errors, tokens.clone(), &TokenStream::new(), &|key| {
                (key.name == "kind" && is_async).then(local)
            })
        };
        options.unread = arguments.attempted(&PLACE);
        for arg in &arguments.list {
            options.read(errors, arg);
        }
        if !options.stands("source", options.source.as_ref()) {
            let others = readable(&see_through(tokens));
            let others = if others.is_empty() { others } else { format!(", {others}") };
            errors.at_span(
                Span::call_site(),
                format_args!(
                    "a worker needs `source = …`, where its intents come from; write \
                     `#[worker(source = control_panel::IntentSource::ModLoader{others})]` or name a source of your own"
                ),
            );
        }
        options.home = match &options.krate {
            Some(krate) => krate.value.to_token_stream(),
            None if options.unread.contains(&"crate") => quote!(::control_panel),
            None => facade::path(errors, |key| format!("`{key}`")),
        };
        options.check(errors);
        options
    }

    fn read(&mut self, errors: &Errors, arg: &Arg) {
        match arg.name {
            "source" => self.source = arg.given(arg.value_path(errors)),
            "name" => self.name = arg.given(arg.name(errors)),
            "restart" => self.restart = arg.given(arg.word(errors)),
            "intensity" => self.intensity = arg.given(arg.count_or_word(errors)),
            "period" => self.period = arg.given(arg.duration(errors)),
            "backoff" => self.backoff = arg.given(arg.any_duration(errors)),
            "max_backoff" => self.max_backoff = arg.given(arg.duration(errors)),
            "cancel" => self.cancel = arg.given(arg.word(errors)),
            "grace" => self.grace = arg.given(arg.duration(errors)),
            "suspend" => self.suspend = arg.given(arg.word(errors)),
            "inbox" => self.inbox = arg.given(inbox::read(errors, arg)),
            "inbox_capacity" => self.inbox_capacity = arg.given(arg.count(errors)),
            "kind" => {
                let before = errors.count();
                self.kind = arg.given(arg.word(errors));
                self.kind_is_a_guess = errors.count() > before;
            }
            "after" => self.after = arg.given(arg.quoted_names(errors)),
            "escalate" => self.escalate = arg.given(arg.word(errors)),
            "significant" => self.significant = true,
            "stuck_after" => self.stuck_after = arg.given(arg.duration(errors)),
            "on_stuck" => self.on_stuck = arg.given(arg.word(errors)),
            "heartbeat" => self.heartbeat = arg.given(arg.duration(errors)),
            "ready_within" => self.ready_within = arg.given(arg.duration(errors)),
            _ => self.krate = arg.given(arg.crate_path(errors)),
        }
    }

    /// Whether the key is given, even with a value that could not be read: no error asks for such a key to be added, as
    /// nothing is known of it.
    pub(super) fn stands<T>(&self, key: &str, given: Option<&Given<T>>) -> bool {
        given.is_some() || self.unread.contains(&key)
    }

    /// Whether it is known what kind of worker this is.
    pub(crate) fn knows_kind(&self) -> bool {
        !self.kind_is_a_guess && (self.kind.is_some() || !self.unread.contains(&"kind"))
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
}
