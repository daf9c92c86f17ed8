//! What a worker's function is generic in, and what its lifetimes and bounds may be.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{GenericParam, TypeParam, TypeParamBound};

use super::ast::Function;
use super::context;
use super::options::Options;
use super::signature;
use super::types;
use crate::errors::Errors;
use crate::support::{mentions, readable};

/// Generic in what the context's type names, so that a library can publish a worker; anything else would
/// have to be chosen by the caller that spawns it, which a method cannot express without a turbofish.
pub(super) fn generics(errors: &Errors, function: &Function, options: &Options) {
    let context = function.context_type();
    for param in &function.generics.params {
        let default = match param {
            GenericParam::Type(param) => param.default.as_ref().map(|(_, default)| default.to_token_stream()),
            GenericParam::Const(param) => {
                param.default.as_ref().map(|(_, default)| default.to_token_stream())
            }
            GenericParam::Lifetime(_) => None,
        };
        if let Some(default) = default {
            let shown = readable(&default);
            errors
                .at(default, format_args!("the parameters of a function have no defaults; drop `= {shown}`"));
        }
        match param {
            GenericParam::Lifetime(param) => errors.at(
                &param.lifetime,
                format_args!(
                    "a worker outlives its caller, so it cannot borrow for `{}`; write `{}`",
                    param.lifetime,
                    signature::owned(function)
                ),
            ),
            GenericParam::Type(param) if types::names(context, &param.ident) => {
                // A `where` clause may say it, and is reported.
                if function.where_clause.is_empty() {
                    source_of_generic(errors, context, param, options);
                }
            }
            GenericParam::Const(param) if types::names(context, &param.ident) => {}
            GenericParam::Type(param) => only_the_context(errors, &param.ident),
            GenericParam::Const(param) => only_the_context(errors, &param.ident),
        }
    }
}

/// `text: &'a str` without a `<'a>`: to declare it would be no better.
pub(super) fn undeclared_lifetimes(errors: &Errors, function: &Function) {
    for lifetime in function.undeclared_lifetimes() {
        errors.at(
            &lifetime,
            format_args!(
                "a worker outlives its caller, so it cannot borrow for `{lifetime}`; write `{}`",
                signature::owned(function)
            ),
        );
    }
}

/// `I: Intent` with a source that is not said to be that of `I`.
fn source_of_generic(errors: &Errors, context: Option<&TokenStream>, param: &TypeParam, options: &Options) {
    let Some(source) = &options.source else { return };
    let own = [param.ident.to_string(), "Self".to_owned()];
    if context::intent_name(context).is_none_or(|name| name != param.ident) || mentions(&source.value, &own) {
        return;
    }
    let Some(TypeParamBound::Trait(bound)) = param.bounds.first() else { return };
    let bound = &bound.path;
    // Another trait may say it in its own bounds.
    let alone = param.bounds.len() == 1;
    let silent = bound.segments.last().is_some_and(|last| last.ident == "Intent" && last.arguments.is_none());
    if let (true, true, Some((ty, _))) = (alone, silent, readable(&source.value).rsplit_once("::")) {
        errors.at(
            bound,
            format_args!(
                "`source` has to be one of `{0}`, and nothing says so; write `{1}<Source = {ty}>`",
                param.ident,
                readable(&bound.to_token_stream())
            ),
        );
    }
}

fn only_the_context(errors: &Errors, param: &Ident) {
    errors.at(
        param,
        format_args!(
            "a worker can be generic in what its context's type names only; replace `{param}` by a \
             concrete type"
        ),
    );
}

pub(super) fn where_clause(errors: &Errors, function: &Function) {
    if let Some(keyword) = function.where_clause.clone().into_iter().next() {
        let (inside, left) = signature::bounds_inside(function);
        let left: Vec<String> =
            left.iter().map(|predicate| format!("; `{predicate}` has no place in it")).collect();
        let left = left.concat();
        errors.at(keyword, format_args!("a worker takes no `where` clause; write `{inside}`{left}"));
    }
}
