//! One function for each rule that a worker's function has to keep.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Type};

use super::arguments;
use super::ast::{Argument, ArgumentKind, Function, Pattern};
use super::context;
use super::generics;
use super::look::Look;
use super::options::Options;
use super::types::{self, FutureType};
use crate::errors::Errors;
use crate::support::{is_punct, mentions, readable};

pub(crate) fn not_a_function(errors: &Errors, word: &TokenTree) {
    errors.at(word, "`#[worker]` goes on an `async fn`; drop this attribute, and put it on one");
}

pub(crate) fn function(errors: &Errors, function: &Function, options: &Options) {
    attributes(errors, function);
    qualifiers(errors, function, options);
    name(errors, function);
    generics::generics(errors, function, options);
    generics::undeclared_lifetimes(errors, function);
    generics::where_clause(errors, function);
    if !function.is_half_typed() {
        arguments::context_first(errors, function);
    }
    for (nth, argument) in function.arguments.iter().enumerate() {
        if let ArgumentKind::Typed { pattern: Pattern::Other(pattern), ty, .. } = &argument.kind
            && arguments::reference_pattern(errors, argument, pattern, ty, nth)
        {
            continue;
        }
        arguments::argument_kind(errors, argument);
        arguments::argument_attributes(errors, argument);
        if argument.is_plain() {
            continue;
        }
        match &argument.kind {
            ArgumentKind::Typed { ty, .. } if nth == 0 && argument.is_context() => {
                arguments::context_type(errors, function, options, ty);
            }
            ArgumentKind::Typed { ty, .. } => arguments::argument_type(errors, options, ty),
            _ => {}
        }
        if let ArgumentKind::Typed { ty, .. } = &argument.kind
            && mentions(ty, &["Self".to_owned()])
        {
            errors.at(ty, "a worker is no method, so it has no `Self`; replace `Self` by a concrete type");
        }
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
            let other = readable(&attr.meta.to_token_stream());
            errors.at(
                attr,
                format_args!(
                    "`#[{other}]` and `#[worker]` cannot share a function; drop `#[{other}]` here, and call the worker's \
                     spawn method from a function that has it"
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
            let abi =
                qualifier.abi.as_ref().map(|abi| format!(" {}", abi.to_token_stream())).unwrap_or_default();
            errors.at(keyword, format_args!("a worker cannot be `{keyword}`; drop `{keyword}{abi}`"));
        }
    }
    if !options.knows_kind() || function.attrs.iter().any(is_entry_point) {
        // Which of the two it has to be is not known, or another attribute decides.
        return;
    }
    let kind = options.kind.as_ref().map_or("async", |kind| kind.value);
    if function.qualifier("async").is_none() && !options.is_call() && not_async_any_more(errors, function) {
        return;
    }
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

/// A plain `fn` whose future shows: one that returns it, as other actor libraries have it, or one that an attribute above this
/// has made of an `async fn`.
fn not_async_any_more(errors: &Errors, function: &Function) -> bool {
    let future = function.output.as_ref().and_then(|(arrow, ty)| Some((arrow, ty, types::future(ty)?)));
    match future {
        Some((arrow, ty, FutureType::Impl(output))) => {
            let output = output.map(|output| readable(&output)).filter(|output| output != "()");
            let output = output.map(|output| format!(" -> {output}")).unwrap_or_default();
            let head = function.head();
            let shown = readable(&head);
            errors.at(
                quote!(#head #arrow #ty),
                format_args!(
                    "a worker must be an `async fn`, which makes the future itself; write `async {shown}{output}`, and its \
                     body without `async move`"
                ),
            );
            true
        }
        Some((.., FutureType::Boxed)) => {
            let head = readable(&function.head());
            errors.at(
                &function.name,
                format_args!(
                    "a worker must be an `async fn`: put `#[worker]` above the attribute that makes this a plain one, or write \
                     `async {head}` and `.await` behind its body"
                ),
            );
            true
        }
        None => {
            let blocks = ["block_on", "Runtime", "Builder"].map(str::to_owned);
            let body = function.body.to_token_stream();
            let taken = mentions(&body, &blocks[..1]) && mentions(&body, &blocks[1..]);
            if taken {
                errors.at(
                    &function.name,
                    "a worker must be an `async fn`, and another attribute seems to have made this a plain one that blocks; \
                     drop that attribute: the panel has a runtime",
                );
            }
            taken
        }
    }
}

fn name(errors: &Errors, function: &Function) {
    if function.name == "main" {
        errors.at(
            &function.name,
            "`main` cannot be a worker; write another name, and a `main` that spawns it: write `run` and `fn main() { … }`",
        );
    }
}

/// What rustc will say of a context that leaves something out, or of two arguments of one name, it says once if nothing
/// repeats them.
pub(crate) fn rustc_refuses(function: &Function) -> bool {
    let names: Vec<String> = function
        .typed()
        .filter_map(|(argument, _)| match &argument.kind {
            ArgumentKind::Typed { pattern: Pattern::Name(name), .. } => Some(name.to_string()),
            _ => None,
        })
        .collect();
    let twice = names.iter().enumerate().any(|(nth, name)| names[..nth].contains(name));
    let unsized_output = function.output.as_ref().is_some_and(|(_, ty)| types::is_never_sized(ty));
    let placeholder =
        |(argument, ty): (&Argument, &TokenStream)| !argument.is_plain() && context::has_placeholder(ty);
    twice || unsized_output || function.typed().any(placeholder)
}

/// What it returns is how the work ended; the `async` makes the future.
fn output(errors: &Errors, function: &Function, options: &Options) {
    let Some((_, output)) = &function.output else { return };
    if function.qualifier("async").is_none() && !options.is_call() {
        // It is no `async fn`, which is reported.
        return;
    }
    if !Look::at(output).unusual {
        return;
    }
    match syn::parse2::<Type>(output.clone()) {
        Ok(Type::ImplTrait(_)) => match types::future(output) {
            Some(FutureType::Impl(future)) if !options.is_call() => {
                let future = future.map_or_else(|| "()".to_owned(), |output| readable(&output));
                errors.at(
                    output,
                    format_args!(
                        "an `async fn` makes the future itself; write `{future}`, and its body without `async move`"
                    ),
                );
            }
            _ => errors.at(
                output,
                "a worker returns nothing or a `Result`, not an `impl` type; write `()`, or a `Result<(), E>`",
            ),
        },
        Ok(Type::Never(_)) => errors.at(
            output,
            "a worker that never ends still says how it may fail; drop `-> !`, or write \
             `Result<std::convert::Infallible, String>`",
        ),
        _ => {}
    }
}

fn body(errors: &Errors, function: &Function) {
    // What a trait declares has none.
    if is_punct(&function.body, ';') && !function.has_receiver() {
        errors.at(&function.body, "a worker needs a body; write `{ … }`");
    }
}
