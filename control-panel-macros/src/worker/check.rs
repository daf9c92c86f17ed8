//! One function for each rule that a worker's function has to keep.

use proc_macro2::{Ident, TokenTree};
use quote::ToTokens;
use syn::{Attribute, GenericParam, Type};

use super::options::Options;
use super::parse::{Argument, ArgumentKind, Function, Pattern};
use super::types::{self, Flaw};
use crate::errors::Errors;
use crate::support::{is_punct, readable};

pub(crate) fn not_a_function(errors: &Errors, word: &TokenTree) {
    errors.at(word, "`#[worker]` goes on an `async fn`; move it to one, or make this one");
}

pub(crate) fn function(errors: &Errors, function: &Function, options: &Options) {
    attributes(errors, function);
    qualifiers(errors, function, options);
    name(errors, function);
    generics(errors, function);
    where_clause(errors, function);
    context_first(errors, function);
    for argument in &function.arguments {
        argument_kind(errors, argument);
        argument_attributes(errors, argument);
        argument_type(errors, argument);
    }
    output(errors, function, options);
    body(errors, function);
}

/// A second `#[worker]`, or an attribute that makes something else of the function.
fn attributes(errors: &Errors, function: &Function) {
    for attr in &function.attrs {
        if is_worker(attr) {
            errors.at(attr, "`#[worker]` is given twice; keep one of the two");
        } else if is_entry_point(attr) {
            let path = readable(&attr.path().to_token_stream());
            errors.at(
                attr,
                format_args!(
                    "`#[{path}]` and `#[worker]` cannot share a function; keep one, and call the worker's \
                     spawn method from the other"
                ),
            );
        }
    }
}

pub(super) fn is_worker(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|segment| segment.ident == "worker")
}

/// `#[test]`, `#[tokio::main]`, `#[async_std::test]`, …
pub(super) fn is_entry_point(attr: &Attribute) -> bool {
    let segments = &attr.path().segments;
    let last = segments.last().map(|segment| segment.ident.to_string());
    match last.as_deref() {
        Some("test" | "bench") => true,
        Some("main") => segments.len() > 1,
        _ => false,
    }
}

/// `async`, and nothing else; and not that where it has a thread.
fn qualifiers(errors: &Errors, function: &Function, options: &Options) {
    for qualifier in &function.qualifiers {
        let keyword = &qualifier.keyword;
        if keyword != "async" {
            errors.at(keyword, format_args!("a worker cannot be `{keyword}`; drop `{keyword}`"));
        }
    }
    let kind = options.kind.as_ref().map_or("async", |kind| kind.value);
    match (function.qualifier("async"), options.is_call()) {
        (None, false) if options.kind.is_none() => errors.at(
            function.fn_token,
            "a worker must be an `async fn`; write `async fn`, or add `kind = blocking` for one that blocks a thread",
        ),
        (None, false) => errors.at(
            function.fn_token,
            format_args!("a worker of `kind = {kind}` must be an `async fn`; write `async fn`"),
        ),
        (Some(qualifier), true) => errors.at(
            &qualifier.keyword,
            format_args!("a worker of `kind = {kind}` is a plain `fn`; drop `async`, or write `kind = local`"),
        ),
        (None, true) | (Some(_), false) => {}
    }
}

fn name(errors: &Errors, function: &Function) {
    if function.name == "main" {
        errors.at(
            &function.name,
            "`main` cannot be a worker; give the worker a name of its own and spawn it from `main`",
        );
    }
}

/// Generic in the context's intent and policy, so that a library can publish a worker; anything else would
/// have to be chosen by whoever spawns it, which a method cannot express without a turbofish.
fn generics(errors: &Errors, function: &Function) {
    let context = types::plain_arguments(function.context_type());
    for param in &function.generics.params {
        match param {
            GenericParam::Lifetime(param) => errors.at(
                &param.lifetime,
                format_args!(
                    "a worker outlives its caller, so it cannot borrow for `{0}`; drop `{0}` and own the data",
                    param.lifetime
                ),
            ),
            GenericParam::Type(param) if context.contains(&param.ident) => {}
            GenericParam::Type(param) => only_the_context(errors, &param.ident),
            GenericParam::Const(param) => only_the_context(errors, &param.ident),
        }
    }
}

fn only_the_context(errors: &Errors, param: &Ident) {
    errors.at(
        param,
        format_args!(
            "a worker can be generic in its context's intent and policy only; replace `{param}` by a \
             concrete type"
        ),
    );
}

fn where_clause(errors: &Errors, function: &Function) {
    if let Some(keyword) = function.where_clause.clone().into_iter().next() {
        errors.at(keyword, "a worker takes no `where` clause; write the bounds inside `<…>`");
    }
}

/// The context is the first argument and there is one.
fn context_first(errors: &Errors, function: &Function) {
    if function.arguments.is_empty() {
        errors.at(
            &function.name,
            format_args!("a worker needs a `Context` first; write `{}(cx: Context<…>)`", function.name),
        );
    }
    let mut typed = function.typed();
    let first = typed.next().map(|(_, ty)| ty);
    let first_is_context = first.is_some_and(types::is_context);
    let mut later = typed.filter(|(_, ty)| types::is_context(ty)).peekable();
    if let Some(first) = first.filter(|first| later.peek().is_none() && types::is_never_a_context(first)) {
        errors.at(
            first,
            format_args!(
                "a worker's first argument is its `Context`, not `{}`; write `cx: Context<…>` before it",
                readable(first)
            ),
        );
    }
    for (argument, ty) in later {
        if first_is_context {
            errors.at(ty, "a worker has one context; drop this one");
        } else {
            errors
                .at(&argument.tokens, "a worker needs its `Context` first; move this argument to the front");
        }
    }
}

fn argument_kind(errors: &Errors, argument: &Argument) {
    match &argument.kind {
        ArgumentKind::Receiver => errors.at(
            &argument.tokens,
            "a worker is a free function; move it out of the `impl` and take what it needs from `self` as \
             arguments",
        ),
        ArgumentKind::Variadic => errors.at(&argument.tokens, "a worker's arguments are fixed; take a `Vec` instead"),
        ArgumentKind::Typed { pattern: Pattern::Other(pattern), .. } => errors.at(
            pattern,
            "a worker's argument needs a plain name, which its spawn method takes over; take it apart in the body",
        ),
        ArgumentKind::Typed { .. } | ArgumentKind::Unreadable => {}
    }
}

/// The macro sees arguments before `#[cfg]` takes them away, so its spawn method would still have them.
fn argument_attributes(errors: &Errors, argument: &Argument) {
    for attr in &argument.attrs {
        if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
            errors.at(
                attr,
                "an argument of a worker cannot depend on `#[cfg]`; write two workers, each with its own `#[cfg]`",
            );
        }
    }
}

/// A worker outlives the call that spawned it, and its spawn method repeats its types.
fn argument_type(errors: &Errors, argument: &Argument) {
    let ArgumentKind::Typed { ty, .. } = &argument.kind else { return };
    for flaw in types::flaws(ty) {
        match flaw {
            Flaw::Borrow(reference, owned) => errors.at(
                reference,
                format_args!("a worker outlives its caller, so its arguments must be owned; write {owned}"),
            ),
            Flaw::Elided(lifetime) => errors.at(
                lifetime,
                "a worker outlives its caller, so its arguments must be owned; write `'static` or an owned type",
            ),
            Flaw::Impl(keyword) => errors.at(
                keyword,
                "a worker's argument needs a concrete type; name it, or take a `Box<dyn …>`",
            ),
        }
    }
}

/// What it returns is how the work ended; the `async` makes the future.
fn output(errors: &Errors, function: &Function, options: &Options) {
    let Some((_, output)) = &function.output else { return };
    match syn::parse2::<Type>(output.clone()) {
        Ok(Type::ImplTrait(_)) if options.is_call() => {
            errors.at(output, "a worker returns `()` or `Result<(), E>`, not an `impl` type");
        }
        Ok(Type::ImplTrait(_)) => errors.at(
            output,
            "an `async fn` is a future already; return `()` or `Result<(), E>` instead of an `impl` type",
        ),
        Ok(Type::Never(_)) => errors.at(
            output,
            "a worker that never ends still says how it may fail; leave the `-> !` out, or write \
             `Result<Infallible, E>`",
        ),
        _ => {}
    }
}

fn body(errors: &Errors, function: &Function) {
    if is_punct(&function.body, ';') {
        errors.at(&function.body, "a worker needs a body; write it in `{ … }`");
    }
}
