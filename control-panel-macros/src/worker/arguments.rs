//! The rules that a worker's arguments have to keep, its context among them.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

use super::ast::{Argument, ArgumentKind, Function, Pattern};
use super::context;
use super::options::Options;
use super::types::{self, Flaw};
use crate::errors::Errors;
use crate::support::{is_punct, mentions, readable};

/// The context is the first argument and there is one.
pub(super) fn context_first(errors: &Errors, function: &Function) {
    if function.arguments.is_empty() {
        errors.at(
            &function.name,
            format_args!(
                "a worker needs a `Context` first; write `{}(cx: control_panel::Context<…>)`",
                function.name
            ),
        );
    }
    let mut typed = function.typed();
    let first = typed.next();
    let first_is_context = first.is_some_and(|(argument, _)| argument.is_context());
    let first = first.map(|(_, ty)| ty);
    let mut later = typed.filter(|(argument, _)| argument.is_context()).peekable();
    let not_one = |first: &&TokenStream| !first_is_context && context::is_never_a_context(first);
    if let Some(first) = first.filter(|first| later.peek().is_none() && not_one(first)) {
        // `std::task::Context`
        let not = format!("a worker's first argument is its `Context`, not `{}`", readable(first));
        let inside = context::context_within(first);
        let whole = function.arguments.first().map(|argument| &argument.tokens);
        match (inside, whole) {
            // `Arc<Context<Update>>`
            (Some(context), Some(whole)) => {
                errors.at(whole, format_args!("{not}; write `cx: {}`", readable(&context)));
            }
            _ if context::polls(first) => {
                errors.at(first, format_args!("{not}; write `control_panel::Context<…>` instead"));
            }
            _ => errors.at(first, format_args!("{not}; write `cx: control_panel::Context<…>` before it")),
        }
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

pub(super) fn argument_kind(errors: &Errors, argument: &Argument) {
    match &argument.kind {
        ArgumentKind::Receiver => errors.at(
            &argument.tokens,
            format_args!(
                "a worker is a free function, and takes what it needs as arguments; drop `{}` and move the function out of \
                 the `impl`",
                readable(&argument.tokens)
            ),
        ),
        ArgumentKind::Variadic => errors.at(&argument.tokens, "a worker's arguments are fixed; write `more: Vec<…>` instead"),
        ArgumentKind::Typed { pattern: Pattern::Other(pattern), .. } => errors.at(
            pattern,
            format_args!(
                "a worker's argument needs a plain name, which its spawn method takes over; write `argument`, and in the \
                 body `let {} = argument;`",
                readable(pattern)
            ),
        ),
        ArgumentKind::Typed { .. } | ArgumentKind::Unreadable => {}
    }
}

/// `&n: &u8`, and a context that is taken out of something else: in both the pattern and the type are one mistake.
pub(super) fn reference_pattern(
    errors: &Errors,
    argument: &Argument,
    pattern: &TokenStream,
    ty: &TokenStream,
    nth: usize,
) -> bool {
    let tokens: Vec<TokenTree> = pattern.clone().into_iter().collect();
    match (tokens.as_slice(), types::flaws(ty).into_iter().next()) {
        ([sign, TokenTree::Ident(name)], Some(Flaw::Borrow(_, owned))) if is_punct(sign, '&') => {
            errors.at(
                &argument.tokens,
                format_args!(
                    "a worker outlives its caller, so its arguments must be owned; write `{name}: {}`",
                    owned.split('`').nth(1).unwrap_or_default()
                ),
            );
            true
        }
        _ => nth == 0 && context::context_within(ty).is_some(),
    }
}

/// The macro sees arguments before `#[cfg]` takes them away, so its spawn method would still have them.
pub(super) fn argument_attributes(errors: &Errors, argument: &Argument) {
    for attr in &argument.attrs {
        if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
            errors.at(
                attr,
                format_args!(
                    "an argument of a worker cannot depend on `#[cfg]`; drop `#[{}]`, or make two workers, each with its own \
                     `#[cfg]`",
                    readable(&attr.meta.to_token_stream())
                ),
            );
        }
    }
}

/// A context owns its panel's intent and is named in full.
pub(super) fn context_type(errors: &Errors, function: &Function, options: &Options, ty: &TokenStream) {
    if mentions(ty, &["impl".to_owned()]) {
        if let Some(Flaw::Impl(intent)) = types::flaws(ty).into_iter().next() {
            let params: Vec<String> =
                function.generics.params.iter().map(|param| readable(&param.to_token_stream())).collect();
            let params: String = params.iter().flat_map(|param| [", ", param]).collect();
            let bound = readable(&intent.bounds.to_token_stream());
            let replaced = readable(ty).replace(&readable(&intent.to_token_stream()), "I");
            let name = &function.name;
            let (pattern, rest) = function.around_context();
            let shown =
                format!("{name}<I: {bound}{params}>({}: {replaced}{})", readable(&pattern), readable(&rest));
            errors.at(
                function.name_to_parens(),
                format_args!("a worker's intent needs a name; write `{shown}`"),
            );
        }
        return;
    }
    if context::has_placeholder(ty) {
        errors.at(ty, "a worker's context names its intent; write `Context<…>` in full");
    }
    if let Some((first, swapped)) = context::swapped(ty) {
        errors.at(first, format_args!("a context names its intent first; write `{}`", readable(&swapped)));
    }
    let is_async = options.knows_kind() && options.kind.as_ref().is_none_or(|kind| kind.value == "async");
    for lifetime in context::lifetimes(ty) {
        match (lifetime.ident == "_", is_async) {
            (true, false) => errors.at(
                &lifetime,
                "a worker outlives its caller, so its intent can borrow what is `'static` only; write `'static`",
            ),
            (true, true) => errors.at(
                &lifetime,
                "a worker outlives its caller, so its intent can borrow what is `'static` only, and not where its future is \
                 sent to other threads; write `'static` and `kind = local`, or own the data in the intent",
            ),
            // rustc forgets which lifetime it was when it looks whether a future is `Send`.
            (false, true) if lifetime.ident == "static" => errors.at(
                &lifetime,
                "rustc cannot see that the future of an `async fn` is `Send` where its intent has a lifetime, even `'static`; \
                 write `kind = local`, or own the data in the intent",
            ),
            _ => {}
        }
    }
}

/// A worker outlives the call that spawned it, and its spawn method repeats its types.
pub(super) fn argument_type(errors: &Errors, options: &Options, ty: &TokenStream) {
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
            Flaw::Impl(ty) => errors.at(
                ty.impl_token,
                format_args!("a worker's argument needs a concrete type; name it, or write {}", types::boxed(&ty)),
            ),
            Flaw::NotSend(rc, arc) => {
                let local = options.kind.as_ref().is_some_and(|kind| kind.value == "local");
                let body = if local { ", or make it in the body" } else { "" };
                errors.at(
                    &rc,
                    format_args!(
                        "arguments travel to the worker's thread, and an `Rc` cannot; write {arc}{body}"
                    ),
                );
            }
            Flaw::UnsizedWithin(inner, owned) => {
                let shown = readable(&inner.to_token_stream());
                errors.at(inner, format_args!("`{shown}` has no known size, so it cannot be held as it is; write {owned}"));
            }
            Flaw::Unsized(owned) => {
                errors.at(ty, format_args!("an argument is a value of a known size; write {owned}"));
            }
        }
    }
}
