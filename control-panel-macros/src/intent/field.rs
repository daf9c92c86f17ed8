//! Holds what a key names, as in `clock = …`, against the fields of its variant.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Fields, Lit, Type};

use super::ast::Variant;
use crate::errors::Errors;
use crate::support::{is_punct, mentions, nearest, one_of, plain, readable};

/// What a key makes of the field that it names, as messages say it.
pub(crate) struct Role {
    pub key: &'static str,
    /// "a clock"
    what: &'static str,
    /// What the field's type has to implement.
    pub interface: &'static str,
    /// The method of it that reads the field.
    pub method: &'static str,
    /// The method of `Intent` that calls it.
    pub of_intent: &'static str,
}

pub(crate) const CLOCK: Role =
    Role { key: "clock", what: "a clock", interface: "LogicalClock", method: "time", of_intent: "clock" };
pub(crate) const ORIGIN: Role =
    Role { key: "origin", what: "an origin", interface: "PeerId", method: "peer", of_intent: "peer" };
pub(crate) const LATEST: Role =
    Role { key: "latest", what: "a key", interface: "CoalesceKey", method: "key", of_intent: "delivery" };
pub(crate) const ROLES: [Role; 3] = [CLOCK, ORIGIN, LATEST];

impl Role {
    fn noun(&self) -> &str {
        self.what.split_once(' ').map_or(self.what, |(_, noun)| noun)
    }
}

/// The field's place among the variant's.
pub(crate) fn find(errors: &Errors, variant: &Variant<'_>, role: &Role) -> Option<usize> {
    let value = &variant.named(role)?.arg.value;
    if variant.fields.is_empty() {
        errors.at(
            value,
            format_args!(
                "variant `{}` has no fields; give it one for its {}, or drop this",
                variant.ident,
                role.noun()
            ),
        );
        return None;
    }
    if let Some(meant) = meant(value, variant) {
        errors.at(
            value,
            format_args!(
                "{} is named by its field; write `{} = {}`",
                role.what,
                role.key,
                names(variant.fields)[meant]
            ),
        );
        return Some(meant);
    }
    let mut tokens = value.clone().into_iter();
    let first = tokens.next()?;
    let rest: TokenStream = tokens.collect();
    if let TokenTree::Literal(literal) = &first {
        let literal = Lit::new(literal.clone());
        if !rest.is_empty() {
            return left_over(errors, variant, role, &first, &rest);
        }
        return field_at(errors, variant, role, &literal);
    }
    let TokenTree::Ident(name) = &first else {
        errors.at(value, format_args!("{} is named by its field; write {}", role.what, forms(variant, role)));
        return None;
    };
    if !rest.is_empty() {
        return left_over(errors, variant, role, &first, &rest);
    }
    let Fields::Named(fields) = variant.fields else {
        errors.at(
            name,
            format_args!(
                "the fields of variant `{}` have no names; write {}",
                variant.ident,
                forms(variant, role)
            ),
        );
        return None;
    };
    let name_of = |field: &syn::Field| field.ident.as_ref().map(plain).unwrap_or_default();
    let found = fields.named.iter().position(|field| name_of(field) == plain(name));
    if found.is_none() {
        let all: Vec<String> = fields.named.iter().map(name_of).collect();
        let all = || all.iter().map(String::as_str);
        let guess = nearest(&plain(name), all()).map(|near| format!("; did you mean `{near}`?"));
        let guess = guess
            .unwrap_or_else(|| format!(", but {}; write {}", one_of(all(), "and"), forms(variant, role)));
        errors.at(name, format_args!("variant `{}` has no field `{name}`{guess}", variant.ident));
    }
    found
}

/// `self.at`, `&at`, `Self::A.at`: the last word is the field, behind what names nothing.
fn meant(value: &TokenStream, variant: &Variant<'_>) -> Option<usize> {
    let tokens: Vec<TokenTree> = value.clone().into_iter().collect();
    let [first, .., last] = tokens.as_slice() else { return None };
    let taken = matches!(first, TokenTree::Ident(word) if word == "self" || word == "Self")
        || tokens[..tokens.len() - 1].iter().any(|word| *variant.ident == word.to_string())
        || is_punct(first, '&')
        || is_punct(first, '*')
        || is_punct(first, '.');
    let is_name = |token: &TokenTree| matches!(token, TokenTree::Ident(_) | TokenTree::Literal(_));
    let name = last.to_string();
    let name = name.strip_prefix("r#").unwrap_or(&name);
    // Behind the variant's own name stands its field.
    let behind = tokens.iter().rposition(|token| *variant.ident == token.to_string()).map_or(0, |at| at + 1);
    let fields =
        tokens[behind..].iter().filter(|token| is_name(token) && token.to_string() != "self").count();
    // `self.a.b` is a field of a field.
    let found = names(variant.fields).iter().position(|field| field == name);
    found.filter(|_| taken && fields == 1)
}

/// What the fields are called: by name, or by place.
fn names(fields: &Fields) -> Vec<String> {
    let names = fields.iter().enumerate();
    names.map(|(nth, field)| field.ident.as_ref().map_or_else(|| nth.to_string(), plain)).collect()
}

/// How a key that names a field is written here, if it is such a key: with the field that can be a number most easily.
pub(crate) fn form(fields: &Fields, key: &str) -> Option<String> {
    let role = ROLES.iter().find(|role| role.key == key)?;
    let number = |field: &syn::Field| readable(&quote::ToTokens::to_token_stream(&field.ty)) == "u64";
    let nth = fields.iter().position(number).unwrap_or(0);
    Some(format!("{} = {}", role.key, names(fields).get(nth)?))
}

/// As in `clock = 1`: the index of a tuple variant's field.
fn field_at(errors: &Errors, variant: &Variant<'_>, role: &Role, literal: &Lit) -> Option<usize> {
    match literal {
        Lit::Str(text) => {
            let text = text.value();
            let shown = if text.trim().is_empty() {
                forms(variant, role)
            } else {
                format!("`{} = {text}`", role.key)
            };
            errors.at(literal, format_args!("drop the quotes: write {shown}"));
            let text = text.trim();
            return names(variant.fields).iter().position(|name| name == text);
        }
        Lit::Int(index) if !index.suffix().is_empty() => {
            let digits = index.base10_digits();
            errors.at(index, format_args!("an index has no suffix; write `{} = {digits}`", role.key));
            return names(variant.fields).iter().position(|name| name == digits);
        }
        Lit::Int(index) if matches!(variant.fields, Fields::Named(_)) => errors.at(
            index,
            format_args!(
                "the fields of variant `{}` have names; write {}",
                variant.ident,
                forms(variant, role)
            ),
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
                        forms(variant, role)
                    ),
                );
            }
            return found;
        }
        _ => errors
            .at(literal, format_args!("{} is named by its field; write {}", role.what, forms(variant, role))),
    }
    None
}

/// What stands after the field.
fn left_over(
    errors: &Errors,
    variant: &Variant<'_>,
    role: &Role,
    field: &TokenTree,
    rest: &TokenStream,
) -> Option<usize> {
    let Role { key, what, interface, method, .. } = role;
    let next = rest.clone().into_iter().next();
    if next.is_none_or(|token| !is_punct(&token, '.')) {
        errors.at(
            rest,
            format_args!("expected `,` after the value of `{key}`; drop this `{}`", readable(rest)),
        );
        return None;
    }
    let name = field.to_string();
    let nth = names(variant.fields).iter().position(|found| name.trim_start_matches("r#") == found);
    let ty = nth.and_then(|nth| variant.fields.iter().nth(nth)).map(|field| &field.ty);
    let number = if *interface == LATEST.interface { "u64" } else { "Option<u64>" };
    let fix = match ty {
        // The user's own, for all that can be seen.
        Some(Type::Path(path)) if path.path.get_ident().is_some() => format!(
            "drop `{}` and write `impl control_panel::{interface} for {} {{ fn {method}(&self) -> {number} {{ … }} }}`",
            readable(rest),
            readable(&path.to_token_stream())
        ),
        _ => format!("give the variant one, or drop `{key}`"),
    };
    errors.at(rest, format_args!("{what} is a field of the variant itself; {fix}"));
    None
}

/// "`clock = a` or `clock = b`": what could be written, in full while it is short.
fn forms(variant: &Variant<'_>, role: &Role) -> String {
    let text = |ty: &Type| {
        mentions(&ty.to_token_stream(), &["String", "str", "Vec", "f32", "f64"].map(str::to_owned))
    };
    let likely = variant.fields.iter().any(|field| !text(&field.ty));
    let fields = variant.fields.iter().enumerate().filter(|(_, field)| !likely || !text(&field.ty));
    let names = fields.map(|(nth, field)| {
        let name = field.ident.as_ref().map_or_else(|| nth.to_string(), ToString::to_string);
        format!("{} = {name}", role.key)
    });
    let names: Vec<String> = names.collect();
    one_of(names.iter().map(String::as_str), "or")
}
