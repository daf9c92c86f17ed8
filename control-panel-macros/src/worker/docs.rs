//! The documentation of what is generated, to read as if written by hand.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Lit, Meta, MetaNameValue};

use super::ast::Function;
use super::body::DEFAULT_PERIOD;
use super::options::Options;
use crate::duration::spoken;
use crate::support::{plain, readable};

pub(crate) fn of_trait(function: &Function) -> TokenStream {
    let name = plain(&function.name);
    lines(&[format!("Spawns the worker [`{name}`](fn@{name}) on a panel, or with a spawner, of its intent.")])
}

/// The function's own words, then what its signature and the attribute add to them.
pub(crate) fn of_method(function: &Function, options: &Options) -> TokenStream {
    let own = without_examples(function.attrs.iter().filter(|attr| is_doc_text(attr)));
    let name = plain(&function.name);
    let source = options.source.as_ref().map(|given| readable(&given.value.to_token_stream()));
    let opening = format!("Spawns the worker [`{name}`](fn@{name}) and returns its handle immediately.");
    let opening = if own.is_empty() { vec![opening] } else { vec![String::new(), opening] };
    let facts = [
        Some(String::new()),
        Some(format!("- Source: `{}`", source.unwrap_or_default())),
        runs(options),
        Some(format!("- Restart: {}", restart(options))),
        options
            .ready_within
            .as_ref()
            .map(|time| format!("- Ready: when it says so, within {}", spoken(time.value))),
        stuck(options).map(|stuck| format!("- Stuck: {stuck}")),
        Some(format!("- Shutdown: {}", shutdown(options))),
        inbox(options),
        options.suspends().then(|| "- Suspended: while the panel is idle".to_owned()),
        Some(format!("- Ends with: `{}`", output(function))),
    ];
    let facts = lines(&facts.into_iter().flatten().collect::<Vec<_>>());
    let opening = lines(&opening);
    quote!(#(#own)* #opening #facts)
}

/// The function's own documentation but for its examples, which would be compiled and run a second time.
fn without_examples<'a>(docs: impl Iterator<Item = &'a Attribute>) -> Vec<TokenStream> {
    let mut fenced = false;
    let mut kept = Vec::new();
    for attr in docs {
        let Meta::NameValue(MetaNameValue { value: Expr::Lit(ExprLit { lit: Lit::Str(text), .. }), .. }) =
            &attr.meta
        else {
            // A file that is included may have examples.
            continue;
        };
        let whole = text.value();
        let lines: Vec<&str> = whole.split('\n').collect();
        let is_fence = |line: &str| ["```", "~~~"].iter().any(|fence| line.trim_start().starts_with(fence));
        let prose: Vec<&str> = lines
            .iter()
            .copied()
            .filter(|line| {
                let fence = is_fence(line);
                let inside = fenced || fence;
                fenced ^= fence;
                !inside && !line.starts_with("     ")
            })
            .collect();
        if prose.len() == lines.len() {
            kept.push(attr.to_token_stream());
        } else if !prose.is_empty() {
            let prose = prose.join("\n");
            kept.push(quote!(#[doc = #prose]));
        }
    }
    kept
}

fn is_doc_text(attr: &Attribute) -> bool {
    attr.path().is_ident("doc") && matches!(attr.meta, Meta::NameValue(_))
}

fn restart(options: &Options) -> String {
    let when = match options.restart.as_ref().map(|given| given.value) {
        Some("on_failure") => "when it fails or panics",
        Some("always") => "whenever it ends",
        _ => return "never".to_owned(),
    };
    let intensity = options.intensity.as_ref().map(|intensity| {
        let Some(restarts) = intensity.value else { return "as often as it takes".to_owned() };
        let period = options.period.as_ref().map_or(DEFAULT_PERIOD, |given| given.value);
        format!("at most {restarts} times in {}", spoken(period))
    });
    let backoff = options.backoff.as_ref().map(|backoff| match backoff.value {
        Duration::ZERO => "immediately".to_owned(),
        wait => format!("first after {}", spoken(wait)),
    });
    let max = options.max_backoff.as_ref().map(|max| format!("later after {} at most", spoken(max.value)));
    let escalates = options.escalate.as_ref().is_some_and(|given| given.value == "panel");
    let escalates = escalates.then(|| "failing too often ends the panel".to_owned());
    let parts: Vec<String> =
        [Some(when.to_owned()), intensity, backoff, max, escalates].into_iter().flatten().collect();
    parts.join(", ")
}

fn runs(options: &Options) -> Option<String> {
    let place = match options.kind.as_ref()?.value {
        "local" => "the panel's thread for futures that are not `Send`",
        "blocking" => "a thread of the blocking pool",
        "thread" => "a thread of its own",
        _ => return None,
    };
    Some(format!("- Runs on: {place}"))
}

fn stuck(options: &Options) -> Option<String> {
    let poll = options.stuck_after.as_ref().map(|limit| format!("after {} in one poll", spoken(limit.value)));
    let every = options.heartbeat.as_ref();
    let silent = every.map(|every| format!("after {} without a heartbeat", spoken(every.value)));
    let then = match options.on_stuck.as_ref().map(|given| given.value) {
        Some("restart") => Some("then it is restarted"),
        Some("escalate") => Some("then the panel ends"),
        Some(_) => Some("then events say so"),
        None => None,
    };
    let parts: Vec<String> = [poll, silent, then.map(str::to_owned)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn inbox(options: &Options) -> Option<String> {
    let takes = readable(&options.inbox.as_ref()?.value);
    let holds = options.inbox_capacity.as_ref().map(|given| format!(", holds {}", given.value));
    Some(format!("- Inbox: commands of type `{takes}`{}", holds.unwrap_or_default()))
}

fn shutdown(options: &Options) -> String {
    let names = options.after.iter().flat_map(|after| &after.value).map(syn::LitStr::value);
    let before: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let how = stopped(options);
    if before.is_empty() { how } else { format!("before {}; {how}", before.join(" and ")) }
}

fn stopped(options: &Options) -> String {
    if options.is_call() {
        return "it is asked to stop, and named if it does not".to_owned();
    }
    let cooperative = options.cancel.as_ref().is_some_and(|given| given.value == "cooperative");
    match &options.grace {
        Some(grace) => format!("it is asked to stop, and dropped after {}", spoken(grace.value)),
        None if cooperative => "it is asked to stop, and dropped after its grace".to_owned(),
        None => "it is dropped at its next `.await`".to_owned(),
    }
}

fn output(function: &Function) -> String {
    function.output.as_ref().map_or_else(|| "()".to_owned(), |(_, ty)| readable(ty))
}

fn lines(lines: &[String]) -> TokenStream {
    // As `///` would have it: a space before the text, none in an empty line.
    let mut text = String::with_capacity(256);
    for (nth, line) in lines.iter().enumerate() {
        text.push_str(if nth == 0 { "" } else { "\n" });
        text.push_str(if line.is_empty() { "" } else { " " });
        text.push_str(line);
    }
    quote!(#[doc = #text])
}
