//! Holds each `clock = …` against the fields of its variant.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Fields, Lit};

use super::ast::{Intent, Variant};
use crate::args::Arg;
use crate::errors::Errors;
use crate::support::{is_punct, nearest, one_of, plain, readable};

pub(crate) fn intent(errors: &Errors, intent: &mut Intent<'_>) {
    for variant in &mut intent.variants {
        variant.clock_field = variant.clock.as_ref().and_then(|clock| clock_field(errors, variant, clock));
    }
}

fn clock_field(errors: &Errors, variant: &Variant<'_>, clock: &Arg) -> Option<usize> {
    if variant.fields.is_empty() {
        errors.at(
            &clock.value,
            format_args!(
                "variant `{}` has no fields; give it one for its clock, or drop this",
                variant.ident
            ),
        );
        return None;
    }
    let mut tokens = clock.value.clone().into_iter();
    let first = tokens.next()?;
    let rest: TokenStream = tokens.collect();
    if let TokenTree::Literal(literal) = &first {
        let literal = Lit::new(literal.clone());
        if !rest.is_empty() {
            return left_over(errors, &rest);
        }
        return field_at(errors, variant, &literal);
    }
    let TokenTree::Ident(name) = &first else {
        errors.at(&clock.value, format_args!("a clock is named by its field; write {}", forms(variant)));
        return None;
    };
    if !rest.is_empty() {
        return left_over(errors, &rest);
    }
    let Fields::Named(fields) = variant.fields else {
        errors.at(
            name,
            format_args!("the fields of variant `{}` have no names; write {}", variant.ident, forms(variant)),
        );
        return None;
    };
    let name_of = |field: &syn::Field| field.ident.as_ref().map(plain).unwrap_or_default();
    let found = fields.named.iter().position(|field| name_of(field) == plain(name));
    if found.is_none() {
        let names: Vec<String> = fields.named.iter().map(name_of).collect();
        let names = || names.iter().map(String::as_str);
        let guess = nearest(&plain(name), names()).map(|near| format!("; did you mean `{near}`?"));
        let guess = guess.unwrap_or_else(|| format!("; it has {}", one_of(names(), "and")));
        errors.at(name, format_args!("variant `{}` has no field `{name}`{guess}", variant.ident));
    }
    found
}

/// `clock = 1`: the index of a tuple variant's field.
fn field_at(errors: &Errors, variant: &Variant<'_>, literal: &Lit) -> Option<usize> {
    match literal {
        Lit::Str(text) => {
            let text = text.value();
            let shown = if text.trim().is_empty() { forms(variant) } else { format!("`clock = {text}`") };
            errors.at(literal, format_args!("drop the quotes: write {shown}"));
        }
        Lit::Int(index) if !index.suffix().is_empty() => {
            errors
                .at(index, format_args!("an index has no suffix; write `clock = {}`", index.base10_digits()));
        }
        Lit::Int(index) if matches!(variant.fields, Fields::Named(_)) => errors.at(
            index,
            format_args!("the fields of variant `{}` have names; write {}", variant.ident, forms(variant)),
        ),
        Lit::Int(index) => {
            let count = variant.fields.len();
            let found = index.base10_parse::<usize>().ok().filter(|index| *index < count);
            if found.is_none() {
                errors.at(
                    index,
                    format_args!(
                        "variant `{}` has no field `{index}`; write {}",
                        variant.ident,
                        forms(variant)
                    ),
                );
            }
            return found;
        }
        _ => errors.at(literal, format_args!("a clock is named by its field; write {}", forms(variant))),
    }
    None
}

/// What stands after the field.
fn left_over(errors: &Errors, rest: &TokenStream) -> Option<usize> {
    if rest.clone().into_iter().next().is_some_and(|token| is_punct(&token, '.')) {
        errors.at(
            rest,
            format_args!(
                "a clock is a field of the variant itself; drop `{}` and implement `LogicalClock` for the \
                 field's type",
                readable(rest)
            ),
        );
    } else {
        errors.at(rest, "expected `,` after the value of `clock`");
    }
    None
}

/// "`clock = a` or `clock = b`": what could be written, in full while it is short.
fn forms(variant: &Variant<'_>) -> String {
    let names = variant.fields.iter().enumerate().map(|(nth, field)| {
        let name = field.ident.as_ref().map_or_else(|| nth.to_string(), ToString::to_string);
        format!("clock = {name}")
    });
    let names: Vec<String> = names.collect();
    one_of(names.iter().map(String::as_str), "or")
}
