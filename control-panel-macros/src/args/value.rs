//! The value of a key: a path, a name, a word, a number, a length of time.
//!
//! After an error each of these still returns what was meant, where that is clear.

use std::time::Duration;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Lit, LitStr, Type};

use super::meant;
use crate::duration;
use crate::errors::Errors;
use crate::support::{is_punct, one_of, readable, split_commas};

/// One `key = value`, or `key` alone, whose key is known here and new.
pub(crate) struct Arg {
    pub key: Ident,
    pub value: TokenStream,
    pub(super) form: String,
    pub(super) words: &'static [&'static str],
    pub nth: usize,
}

/// An option that was read, with the key to point at and its place among the others.
pub(crate) struct Given<T> {
    pub key: Ident,
    pub value: T,
    pub nth: usize,
}

impl Arg {
    pub(crate) fn given<T>(&self, value: Option<T>) -> Option<Given<T>> {
        value.map(|value| Given { key: self.key.clone(), value, nth: self.nth })
    }

    /// A plain name.
    pub(crate) fn name(&self, errors: &Errors) -> Option<Ident> {
        let text = meant::quoted(&self.value).map(|(_, text)| text);
        if text.is_none() {
            let read = |input: ParseStream<'_>| Ok((input.parse::<Ident>()?, input.parse()?));
            if let Ok((name, rest)) = read.parse2(self.value.clone())
                && !is_hyphen(&rest)
            {
                self.nothing_left(errors, rest);
                return Some(name);
            }
        }
        let quoted = text.is_some();
        let text = text.unwrap_or_else(|| readable(&self.value));
        let text = text.rsplit_once("::").map_or(&*text, |(_, last)| last).to_owned();
        if quoted && text.is_empty() {
            self.expected(errors, "a name, found empty quotes");
            return None;
        }
        if quoted && let Ok(mut name) = syn::parse_str::<Ident>(&text) {
            errors.at(&self.value, format_args!("drop the quotes: write `{} = {name}`", self.key));
            name.set_span(self.key.span());
            return Some(name);
        }
        let letter = |letter: char| if letter.is_alphanumeric() { letter } else { '_' };
        let meant: String = text.chars().map(letter).collect();
        let meant = meant.trim_matches('_').to_lowercase();
        let meant =
            if meant.starts_with(|first: char| first.is_numeric()) { format!("_{meant}") } else { meant };
        // A keyword is none, and may be one with `r#`.
        let raw = if syn::parse_str::<Ident>(&meant).is_ok() { meant } else { format!("r#{meant}") };
        let Ok(mut name) = syn::parse_str::<Ident>(&raw) else {
            self.expected(errors, "an identifier");
            return None;
        };
        name.set_span(self.key.span());
        errors.at(&self.value, format_args!("`{0}` is an identifier; write `{0} = {name}`", self.key));
        Some(name)
    }

    /// One of the key's words.
    pub(crate) fn word(&self, errors: &Errors) -> Option<&'static str> {
        let read = |input: ParseStream<'_>| Ok((input.call(Ident::parse_any)?, input.parse()?));
        let read = read.parse2(self.value.clone()).ok();
        if let Some((typed, rest)) = &read
            && let Some(found) = self.words.iter().find(|word| typed == **word)
            && !is_hyphen(rest)
        {
            self.nothing_left(errors, rest.clone());
            return Some(found);
        }
        let (key, all) = (&self.key, one_of(self.words.iter().copied(), "or"));
        let meant = meant::word(&self.value, self.words);
        let shown = readable(&self.value);
        let quoted = meant::quoted(&self.value);
        match (meant, read, quoted) {
            (_, _, Some((_, text))) if text.is_empty() => {
                self.expected(errors, "a value, found empty quotes");
            }
            (Some(meant), _, Some(_)) => {
                errors.at(&self.value, format_args!("drop the quotes: write `{key} = {meant}`"));
            }
            (Some(meant), Some((typed, rest)), _) if rest.is_empty() => {
                errors.at(typed, format_args!("`{key}` is {all}, not `{shown}`; did you mean `{meant}`?"));
            }
            (Some(meant), ..) => {
                errors
                    .at(&self.value, format_args!("`{key}` is {all}, in one word; write `{key} = {meant}`"));
            }
            (None, ..) => {
                errors
                    .at(&self.value, format_args!("`{key}` is {all}, not `{shown}`; write `{}`", self.form));
            }
        }
        meant
    }

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

    /// One name in quotes, or several in brackets: `"store"`, `["store", "log"]`.
    pub(crate) fn quoted_names(&self, errors: &Errors) -> Option<Vec<LitStr>> {
        let (list, brackets) = match syn::parse2::<Group>(self.value.clone()) {
            Ok(list) => (list.stream(), list.delimiter() == Delimiter::Bracket),
            _ => (self.value.clone(), false),
        };
        let name = |part: TokenStream| {
            let name = syn::parse2::<LitStr>(part.clone());
            let name = name.or_else(|_| syn::parse2::<Ident>(part).map(|name| quoted_name(&name)));
            name.ok().filter(|name| !name.value().trim().is_empty())
        };
        let names: Option<Vec<LitStr>> = split_commas(list.clone()).into_iter().map(name).collect();
        let Some(names) = names.filter(|names| !names.is_empty()) else {
            let read = |input: ParseStream<'_>| Ok((input.parse::<LitStr>()?, input.parse::<TokenStream>()?));
            if let Ok((name, rest)) = read.parse2(self.value.clone())
                && !rest.is_empty()
            {
                self.nothing_left(errors, rest);
                return Some(vec![name]);
            }
            self.expected(errors, "the name of a worker in quotes, or several in brackets");
            return None;
        };
        let bare = list.into_iter().any(|token| matches!(token, TokenTree::Ident(_)));
        let wrapped = !brackets && matches!(self.value.clone().into_iter().next(), Some(TokenTree::Group(_)));
        if bare || wrapped {
            let shown = readable(&quote!(#(#names),*));
            let shown = if brackets || wrapped { format!("[{shown}]") } else { shown };
            let what = if bare { "a name has quotes" } else { "several names stand in brackets" };
            errors.at(&self.value, format_args!("{what}; write `{} = {shown}`", self.key));
        }
        Some(names)
    }

    /// Reports a string where there should be none.
    pub(super) fn quoted(&self, errors: &Errors) -> bool {
        let Some((literal, text)) = meant::quoted(&self.value) else { return false };
        if text.is_empty() {
            self.expected(errors, "a value, found empty quotes");
        } else if syn::parse_str::<Type>(&text).is_err() {
            self.expected(errors, "a value without quotes");
        } else {
            // The habit comes from `#[serde(crate = "…")]`, where the path is relative as well.
            let root = if self.key == "crate" && !text.starts_with("crate") { "::" } else { "" };
            let text = text.trim_start_matches("::");
            errors.at(&literal, format_args!("drop the quotes: write `{} = {root}{text}`", self.key));
        }
        true
    }

    /// Reads all of the value.
    pub(super) fn read<T>(
        &self,
        errors: &Errors,
        parse: fn(ParseStream<'_>) -> syn::Result<T>,
        what: &str,
    ) -> Option<T> {
        let read = |input: ParseStream<'_>| Ok((parse(input)?, input.parse::<TokenStream>()?));
        let Ok((value, rest)) = read.parse2(self.value.clone()) else {
            self.expected(errors, what);
            return None;
        };
        self.nothing_left(errors, rest);
        Some(value)
    }

    /// What is left over lacks a comma before it, or is too much.
    fn nothing_left(&self, errors: &Errors, rest: TokenStream) {
        match rest.clone().into_iter().next() {
            None => {}
            Some(word @ (TokenTree::Ident(_) | TokenTree::Literal(_))) => {
                errors.at(&word, format_args!("expected `,` before `{word}`; write `, {word}`"));
            }
            Some(_) => {
                let shown = readable(&rest);
                errors.at(
                    rest,
                    format_args!("expected `,` after the value of `{}`; drop this `{shown}`", self.key),
                );
            }
        }
    }

    pub(super) fn expected(&self, errors: &Errors, what: &str) {
        errors.at(&self.value, format_args!("expected {what}; write `{}`", self.form));
    }
}

fn quoted_name(name: &Ident) -> LitStr {
    LitStr::new(&name.to_string(), name.span())
}

fn is_hyphen(rest: &TokenStream) -> bool {
    rest.clone().into_iter().next().is_some_and(|token| is_punct(&token, '-'))
}

fn is_literal(value: &TokenStream) -> bool {
    meant::quoted(value).is_none() && matches!(value.clone().into_iter().next(), Some(TokenTree::Literal(_)))
}
