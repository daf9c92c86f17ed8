//! The type of a worker's commands: `inbox = Ask`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Lifetime, Type};

use super::context;
use super::types::{self, Flaw};
use crate::args::Arg;
use crate::errors::Errors;
use crate::support::readable;

const IN_FULL: &str = "an inbox needs its type in full; write `inbox = Command`";

/// The type, unless it can be none of an inbox.
pub(super) fn read(errors: &Errors, arg: &Arg) -> Option<TokenStream> {
    let ty = arg.ty(errors)?;
    let tokens = ty.to_token_stream();
    if let Some(why) = never(&ty) {
        errors.at(&tokens, why);
        return None;
    }
    if context::has_placeholder(&tokens) {
        errors.at(&tokens, IN_FULL);
        return None;
    }
    let flaws = types::flaws(&tokens);
    for flaw in &flaws {
        match flaw {
            Flaw::Borrow(reference, owned) => errors.at(reference, owned_instead(owned)),
            Flaw::Elided(lifetime) => errors.at(
                lifetime,
                "a command outlives its sender, so the inbox's type must be owned; write `'static` or an owned type",
            ),
            Flaw::NotSend(rc, arc) => errors.at(
                rc,
                format_args!("commands travel to the worker's thread, and an `Rc` cannot; write {arc}"),
            ),
            Flaw::UnsizedWithin(inner, owned) => {
                let shown = readable(&inner.to_token_stream());
                errors.at(inner, format_args!("`{shown}` has no known size, so it cannot be held as it is; write {owned}"));
            }
            Flaw::Unsized(owned) => errors.at(&tokens, owned_instead(owned)),
            Flaw::Impl(ty) => {
                let boxed = types::boxed(ty);
                errors.at(ty.impl_token, format_args!("an inbox needs a concrete type; name it, or write {boxed}"));
            }
        }
    }
    flaws.is_empty().then_some(tokens)
}

/// What no inbox can hold, whatever is in it.
fn never(ty: &Type) -> Option<String> {
    match ty {
        Type::Never(_) => Some(
            "nothing can be sent to an inbox of `!`; write `inbox = Command`, or drop `inbox`".to_owned(),
        ),
        Type::Slice(_) | Type::TraitObject(_) => Some(owned_instead(&types::owned(ty))),
        Type::Path(path) if path.path.is_ident("str") => Some(owned_instead(&types::owned(ty))),
        Type::Path(path) if path.path.segments.first().is_some_and(|first| first.ident == "Self") => {
            Some("a worker has no `Self`; write `inbox = Command`, the type of its commands".to_owned())
        }
        // Declared nowhere: where a function declares lifetimes, that is reported.
        Type::Reference(reference) if reference.lifetime.as_ref().is_some_and(is_named) => {
            Some(owned_instead(&types::owned(&reference.elem)))
        }
        _ => None,
    }
}

fn is_named(lifetime: &Lifetime) -> bool {
    lifetime.ident != "_" && lifetime.ident != "static"
}

fn owned_instead(owned: &str) -> String {
    format!("a command outlives its sender, so the inbox's type must be owned; write {owned}")
}
