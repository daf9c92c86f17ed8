//! The body of the spawn method: what starts the worker, with what, and how it is supervised.

use std::time::Duration;

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::ast::{Argument, ArgumentKind, Function, Pattern};
use super::context;
use super::expand::Names;
use super::options::Options;
use crate::args::Given;
use crate::duration;
use crate::support::{ends, hidden_at};

/// The arguments of the spawn method: those of the function but for its context.
pub(super) fn arguments(function: &Function) -> Vec<(Ident, &TokenStream)> {
    let arguments = function.typed().skip(1).enumerate();
    arguments.map(|(nth, (argument, ty))| (argument_name(argument, nth), ty)).collect()
}

/// The same with those whose type is yet to be typed, and with each of two of one name: for a method that is only called.
pub(super) fn all_arguments(function: &Function) -> Vec<(Ident, Option<&TokenStream>)> {
    let mut names: Vec<Ident> = Vec::new();
    let counts = |argument: &&Argument| match argument.kind {
        ArgumentKind::Typed { .. } => true,
        // A name alone may be half of one.
        ArgumentKind::Unreadable => argument.tokens.clone().into_iter().count() > 1,
        ArgumentKind::Receiver | ArgumentKind::Variadic => false,
    };
    let arguments: Vec<&Argument> = function.arguments.iter().filter(counts).collect();
    // The context may stand where it should not, or may be what is missing.
    let ty = |argument: &&Argument| match &argument.kind {
        ArgumentKind::Typed { ty, .. } => Some(ty.clone()),
        _ => None,
    };
    let context = arguments.iter().position(|argument| {
        argument.is_context() || ty(argument).is_some_and(|ty| context::context_within(&ty).is_some())
    });
    let missing = arguments
        .first()
        .and_then(ty)
        .is_some_and(|ty| context::is_never_a_context(&ty) && !context::polls(&ty));
    let context = context.or((!missing).then_some(0));
    let arguments = arguments.into_iter().enumerate().filter(|(nth, _)| Some(*nth) != context);
    let arguments = arguments.map(|(_, argument)| argument).enumerate();
    let all = arguments.map(|(nth, argument)| {
        let mut name = argument_name(argument, nth);
        if names.contains(&name) {
            name = format_ident!("argument_{}", nth + 1, span = name.span());
        }
        names.push(name.clone());
        let ty = match &argument.kind {
            ArgumentKind::Typed { ty, .. } => Some(ty),
            _ => None,
        };
        (name, ty)
    });
    all.collect()
}

pub(super) fn spawn(
    function: &Function,
    options: &Options,
    names: &Names,
    arguments: &[(Ident, &TokenStream)],
) -> TokenStream {
    let worker = &names.worker;
    let name = &function.name;
    let source = options.source.as_ref().map(|given| &given.value);
    let output = function.output.as_ref().and_then(|(_, ty)| ends(ty));
    let (first, last) = output.unwrap_or((name.span(), name.span()));
    let passed =
        arguments.iter().map(|(name, ty)| if options.restarts() { again(name, ty) } else { quote!(#name) });
    let passed: Vec<TokenStream> = passed.collect();
    let setters = setters(options);

    // What rustc refuses here is what the function returns, or its future: that is underlined, or else its name. So is the
    // closure's context, and what spawns: what is refused of its type is refused in each of these, and at one place it is
    // reported once.
    let host = quote_spanned!(hidden_at(first)=> __S);
    // A context by another name is an alias, or is what is wrong.
    let context = function.typed().next().filter(|(argument, _)| !argument.is_context());
    let context = context.and_then(|(_, ty)| ends(ty));
    let context = context.map_or_else(|| hidden_at(last), |(first, _)| hidden_at(first));
    let mut called = name.clone();
    called.set_span(name.span().located_at(context));

    // The function itself where nothing is cloned: rustc checks a closure as a function of its own, for each worker.
    let constructor = constructor(options);
    let direct = constructor == "once" && passed.len() <= MOST_DIRECT;
    let (constructor, run) = match passed.len() {
        0 if direct => (constructor, quote!(#called)),
        count if direct => (format_ident!("{constructor}_{count}"), quote!(#called #(, #passed)*)),
        _ => {
            let cx = context_name(function, arguments, last);
            (constructor, quote!(move |#cx| #called(#cx #(, #passed)*)))
        }
    };
    let constructor = format_ident!("{constructor}", span = hidden_at(last));
    let constructor = quote_spanned!(hidden_at(last)=> ::#constructor);
    let mut run = Group::new(Delimiter::Parenthesis, run);
    run.set_span(last);
    let spawn = format_ident!("spawn", span = context);
    quote! {
        #host #constructor #run #setters.#spawn(self, #worker, #source)
    }
}

/// The parameter of the spawn method: the argument's own name without its `mut`, resolved apart from the
/// user's names, so that it can neither shadow the function nor the source.
fn argument_name(argument: &Argument, nth: usize) -> Ident {
    match &argument.kind {
        ArgumentKind::Typed { pattern: Pattern::Name(name), .. } => {
            let mut name = name.clone();
            name.set_span(hidden_at(name.span()));
            name
        }
        ArgumentKind::Typed { pattern: Pattern::Wildcard(span), .. } => {
            format_ident!("argument_{}", nth + 1, span = hidden_at(*span))
        }
        _ => format_ident!("argument_{}", nth + 1, span = hidden_at(Span::call_site())),
    }
}

/// The closure's context bears the name it has in the function, which no other argument can have.
fn context_name(function: &Function, arguments: &[(Ident, &TokenStream)], shown: Span) -> Ident {
    let first = function.typed().next().map(|(argument, _)| &argument.kind);
    if let Some(ArgumentKind::Typed { pattern: Pattern::Name(name), .. }) = first {
        return format_ident!("{name}", span = hidden_at(shown));
    }
    let mut name = "cx".to_owned();
    while arguments.iter().any(|(argument, _)| *argument == name) {
        name.push('_');
    }
    format_ident!("{name}", span = hidden_at(shown))
}

/// One more copy of an argument for one more generation. The expression is made to span the argument's
/// type, because that is what has to change when it cannot be cloned.
fn again(name: &Ident, ty: &TokenStream) -> TokenStream {
    let Some((first, last)) = ends(ty) else { return quote!(__S::again(&#name)) };
    let mut name = name.clone();
    name.set_span(hidden_at(last));
    let borrowed = quote_spanned!(hidden_at(first)=> &);
    quote!(__S::again(#borrowed #name))
}

/// Up to so many arguments `Spawns` has a `once_1`, a `once_2`, and so on.
const MOST_DIRECT: usize = 4;
/// The period of the runtime's own default.
pub(super) const DEFAULT_PERIOD: Duration = Duration::from_secs(10);
/// Long enough to spare a peer that is down, short enough for a person to wait for.
const DEFAULT_MAX_BACKOFF: Duration = Duration::from_secs(30);

fn constructor(options: &Options) -> Ident {
    let name = match (kind(options), options.restart.as_ref().map(|given| given.value)) {
        (None, Some("on_failure")) => "on_failure",
        (None, Some("always")) => "always",
        (None, _) => "once",
        (Some(kind), _) if options.restarts() => kind,
        (Some(kind), _) => return format_ident!("{kind}_once"),
    };
    format_ident!("{name}")
}

/// Where it runs, if not on a task of its own.
fn kind(options: &Options) -> Option<&'static str> {
    options.kind.as_ref().map(|given| given.value).filter(|kind| *kind != "async")
}

fn setters(options: &Options) -> TokenStream {
    let mut setters = TokenStream::new();
    match options.restart.as_ref().map(|given| given.value) {
        Some("on_failure") if kind(options).is_some() => setters.extend(quote!(.restart_on_failure())),
        Some("always") if kind(options).is_some() => setters.extend(quote!(.restart_always())),
        _ => {}
    }
    match options.intensity.as_ref().map(|intensity| intensity.value) {
        Some(Some(restarts)) => {
            let restarts = Literal::u32_unsuffixed(restarts);
            let period = options.period.as_ref().map_or(DEFAULT_PERIOD, |given| given.value);
            let period = duration::tokens(period);
            setters.extend(quote!(.intensity(#restarts, #period)));
        }
        Some(None) => setters.extend(quote!(.unlimited())),
        None => {}
    }
    if let Some(base) = &options.backoff {
        let max =
            options.max_backoff.as_ref().map_or(DEFAULT_MAX_BACKOFF.max(base.value), |given| given.value);
        let (base, max) = (duration::tokens(base.value), duration::tokens(max));
        setters.extend(quote!(.backoff(#base, #max)));
    }
    if let Some(grace) = &options.grace {
        let grace = duration::tokens(grace.value);
        setters.extend(quote!(.grace(#grace)));
    } else if options.cancel.as_ref().is_some_and(|given| given.value == "cooperative") {
        setters.extend(quote!(.cooperative()));
    }
    if options.suspends() {
        setters.extend(quote!(.suspend_on_idle()));
    }
    if let Some(Given { value: command, .. }) = &options.inbox {
        setters.extend(quote!(.inbox::<#command>()));
    }
    if let Some(capacity) = &options.inbox_capacity {
        let capacity = Literal::u32_unsuffixed(capacity.value);
        setters.extend(quote!(.inbox_capacity(#capacity)));
    }
    for name in options.after.iter().flat_map(|after| &after.value) {
        setters.extend(quote!(.after(#name)));
    }
    if options.escalate.as_ref().is_some_and(|given| given.value == "panel") {
        setters.extend(quote!(.escalate()));
    }
    if options.significant {
        setters.extend(quote!(.significant()));
    }
    if let Some(limit) = &options.stuck_after {
        let limit = duration::tokens(limit.value);
        setters.extend(quote!(.stuck_after(#limit)));
    }
    if let Some(every) = &options.heartbeat {
        let every = duration::tokens(every.value);
        setters.extend(quote!(.heartbeat(#every)));
    }
    if let Some(time) = &options.ready_within {
        let time = duration::tokens(time.value);
        setters.extend(quote!(.ready_within(#time)));
    }
    match options.on_stuck.as_ref().map(|given| given.value) {
        Some("restart") => setters.extend(quote!(.restart_when_stuck())),
        Some("escalate") => setters.extend(quote!(.escalate_when_stuck())),
        _ => {}
    }
    setters
}
