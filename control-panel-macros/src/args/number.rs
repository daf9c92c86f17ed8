//! The value of a key that is a number or a length of time.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Lit, LitStr};

use super::Arg;
use super::meant;
use crate::duration;
use crate::errors::Errors;

impl Arg {
    /// A number, at least 1.
    pub(crate) fn count(&self, errors: &Errors) -> Option<u32> {
        let read = |input: ParseStream<'_>| Ok((input.parse::<Lit>()?, input.parse()?));
        if let Ok((Lit::Int(literal), rest)) = read.parse2(self.value.clone()) {
            let plain = literal.suffix().is_empty();
            match literal.base10_parse::<u32>() {
                Ok(0) if plain => {
                    errors.at(
                        &literal,
                        format_args!("`{}` must be at least 1; write `{}`", self.key, self.form),
                    );
                    return None;
                }
                Ok(count) if plain => {
                    self.nothing_left(errors, rest);
                    return Some(count);
                }
                Ok(count) => {
                    errors.at(
                        &literal,
                        format_args!("a number has no `{}` here; write `{count}`", literal.suffix()),
                    );
                    return Some(count);
                }
                Err(_) if literal.to_string().starts_with('-') => {
                    errors.at(
                        &self.value,
                        format_args!("`{}` must be at least 1; write `{}`", self.key, self.form),
                    );
                    return None;
                }
                Err(_) => {
                    self.expected(errors, "a number that fits in a `u32`");
                    return None;
                }
            }
        }
        let meant = meant::number(&self.value);
        let what = if meant::quoted(&self.value).is_some() {
            "a number without quotes"
        } else {
            "a number, written out"
        };
        match meant {
            Some(meant) => {
                errors.at(&self.value, format_args!("expected {what}; write `{} = {meant}`", self.key));
            }
            None => self.expected(errors, what),
        }
        meant
    }

    /// A number, at least 1, or the key's word for none: `None`.
    #[expect(clippy::option_option, reason = "nothing that could be read, or no number")]
    pub(crate) fn count_or_word(&self, errors: &Errors) -> Option<Option<u32>> {
        let none = self.words.first()?;
        match Ident::parse_any.parse2(self.value.clone()) {
            Ok(word) if word == none => return Some(None),
            Ok(word) => {
                let near = meant::word(&self.value, self.words);
                let guess = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("write `{}`", self.form),
                };
                errors
                    .at(&word, format_args!("`{}` is a number or `{none}`, not `{word}`; {guess}", self.key));
                return near.map(|_| None);
            }
            Err(_) => {}
        }
        let meant = meant::word(&self.value, self.words);
        let rest = || self.value.clone().into_iter().skip(1).collect::<TokenStream>();
        if meant.is_none() || is_literal(&self.value) {
            return self.count(errors).map(Some);
        }
        if meant::quoted(&self.value).is_some() {
            errors.at(&self.value, format_args!("drop the quotes: write `{} = {none}`", self.key));
        } else if self.value.to_string().starts_with(none) {
            self.nothing_left(errors, rest());
        } else {
            errors.at(
                &self.value,
                format_args!("`{0}` is a number or `{none}`, in one word; write `{0} = {none}`", self.key),
            );
        }
        Some(None)
    }

    /// A length of time in quotes, longer than nothing: `"5s"`.
    pub(crate) fn duration(&self, errors: &Errors) -> Option<Duration> {
        let duration = self.any_duration(errors)?;
        if duration.is_zero() {
            errors.at(
                &self.value,
                format_args!("`{}` must be longer than nothing; write `{}`", self.key, self.form),
            );
            return None;
        }
        Some(duration)
    }

    /// A length of time in quotes, or none: `"0ms"`.
    pub(crate) fn any_duration(&self, errors: &Errors) -> Option<Duration> {
        let read = |input: ParseStream<'_>| Ok((input.parse::<LitStr>()?, input.parse()?));
        let read: Option<(LitStr, TokenStream)> = read.parse2(self.value.clone()).ok();
        let text = read.as_ref().map(|(literal, _)| literal.value());
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            self.expected(errors, "a duration, found empty quotes");
            return None;
        }
        if let (Some((_, rest)), Some(duration)) = (&read, text.as_deref().and_then(duration::parse)) {
            self.nothing_left(errors, rest.clone());
            return Some(duration);
        }
        let meant = meant::duration(&self.value);
        let fix = meant.map_or_else(
            || self.form.clone(),
            |meant| format!("{} = \"{}\"", self.key, duration::text(meant)),
        );
        match text {
            Some(text) => errors.at(
                &self.value,
                format_args!(
                    "`{text}` is no duration: a whole number and `us`, `ms`, `s`, `m` or `h`; write `{fix}`"
                ),
            ),
            None => errors.at(&self.value, format_args!("expected a duration in quotes; write `{fix}`")),
        }
        meant
    }
}

fn is_literal(value: &TokenStream) -> bool {
    meant::quoted(value).is_none() && matches!(value.clone().into_iter().next(), Some(TokenTree::Literal(_)))
}
