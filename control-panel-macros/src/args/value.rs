//! The value of a key: a path, a name, a word, a number, a length of time.

use std::time::Duration;

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Lit, LitStr, Path, Token, Type};

use crate::duration;
use crate::errors::Errors;
use crate::support::{nearest, one_of, readable, split_commas};

/// One `key = value`, or `key` alone, whose key is known here and new.
pub(crate) struct Arg {
    pub key: Ident,
    pub value: TokenStream,
    pub(super) form: &'static str,
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

    /// A path to an item: `Feed::Rss`.
    pub(crate) fn path(&self, errors: &Errors) -> Option<Path> {
        if self.quoted(errors) {
            // What the quotes hold is what was meant, so the item is expanded with it.
            return syn::parse2::<LitStr>(self.value.clone()).ok()?.parse().ok();
        }
        self.read(errors, Path::parse, "a path")
    }

    /// A type: `Vec<Ask>`.
    pub(crate) fn ty(&self, errors: &Errors) -> Option<Type> {
        if self.quoted(errors) {
            return syn::parse2::<LitStr>(self.value.clone()).ok()?.parse().ok();
        }
        self.read(errors, Type::parse, "a type")
    }

    /// `::renamed` or `crate::module`: what resolves alike wherever the macro is used.
    pub(crate) fn crate_path(&self, errors: &Errors) -> Option<Path> {
        let quoted = self.value.to_string().starts_with('"');
        let mut path = self.path(errors)?;
        let first = path.segments.first()?.ident.to_string();
        if path.leading_colon.is_none() && first != "crate" && first != "$crate" {
            let text = readable(&path.to_token_stream());
            if !quoted {
                errors.at(
                    &path,
                    format_args!(
                        "`crate` needs a path that means the same everywhere; write `::{text}` for a \
                         dependency or `crate::{text}` for a module of this crate"
                    ),
                );
            }
            path.leading_colon = Some(<Token![::]>::default());
        }
        Some(path)
    }

    /// A plain name.
    pub(crate) fn name(&self, errors: &Errors) -> Option<Ident> {
        if self.quoted(errors) {
            return None;
        }
        self.read(errors, Ident::parse, "a name")
    }

    /// One of a few words.
    pub(crate) fn word(&self, errors: &Errors, words: &'static [&'static str]) -> Option<&'static str> {
        if self.quoted(errors) {
            return None;
        }
        let all = one_of(words.iter().copied(), "or");
        let typed = self.read(errors, Ident::parse_any, &all)?;
        let found = words.iter().find(|word| typed == word);
        if found.is_none() {
            let near = nearest(&typed.to_string(), words.iter().copied());
            let guess = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            errors.at(&typed, format_args!("`{}` is {all}, not `{typed}`{guess}", self.key));
        }
        found.copied()
    }

    /// A number, at least 1.
    pub(crate) fn count(&self, errors: &Errors) -> Option<u32> {
        let Ok(Lit::Int(literal)) = syn::parse2::<Lit>(self.value.clone()) else {
            self.expected(errors, "a number without quotes");
            return None;
        };
        match literal.base10_parse::<u32>() {
            Ok(0) => {
                errors.at(&literal, format_args!("`{}` must be at least 1", self.key));
                None
            }
            Ok(count) => Some(count),
            Err(_) => {
                self.expected(errors, "a number that fits in a `u32`");
                None
            }
        }
    }

    /// A number, at least 1, or this word for none: `None`.
    #[expect(clippy::option_option, reason = "nothing that could be read, or no number")]
    pub(crate) fn count_or(&self, errors: &Errors, none: &'static str) -> Option<Option<u32>> {
        let Ok(word) = Ident::parse_any.parse2(self.value.clone()) else {
            return match syn::parse2::<LitStr>(self.value.clone()) {
                Ok(quoted) if quoted.value().trim() == none => {
                    errors.at(&quoted, format_args!("drop the quotes: write `{} = {none}`", self.key));
                    None
                }
                _ => self.count(errors).map(Some),
            };
        };
        if word == none {
            return Some(None);
        }
        let near = nearest(&word.to_string(), [none]);
        let guess = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        errors.at(&word, format_args!("`{}` is a number or `{none}`, not `{word}`{guess}", self.key));
        None
    }

    /// A length of time in quotes, longer than nothing: `"5s"`.
    pub(crate) fn duration(&self, errors: &Errors) -> Option<Duration> {
        let duration = self.any_duration(errors)?;
        if duration.is_zero() {
            errors.at(&self.value, format_args!("`{}` must be longer than nothing", self.key));
            return None;
        }
        Some(duration)
    }

    /// A length of time in quotes, or none: `"0ms"`.
    pub(crate) fn any_duration(&self, errors: &Errors) -> Option<Duration> {
        let Ok(Lit::Str(literal)) = syn::parse2::<Lit>(self.value.clone()) else {
            self.expected(errors, "a duration in quotes");
            return None;
        };
        let text = literal.value();
        if text.trim().is_empty() {
            self.expected(errors, "a duration, found empty quotes");
            return None;
        }
        let duration = duration::parse(&text);
        if duration.is_none() {
            errors.at(
                &literal,
                format_args!(
                    "`{text}` is no duration; write a number and a unit: `us`, `ms`, `s`, `m` or `h`, such as \
                     `\"250ms\"`"
                ),
            );
        }
        duration
    }

    /// One name in quotes, or several in brackets: `"store"`, `["store", "log"]`.
    pub(crate) fn quoted_names(&self, errors: &Errors) -> Option<Vec<LitStr>> {
        if let Ok(name) = syn::parse2::<Ident>(self.value.clone()) {
            errors.at(&name, format_args!("put the name in quotes: write `{} = \"{name}\"`", self.key));
            return None;
        }
        let parts = match syn::parse2::<Group>(self.value.clone()) {
            Ok(list) if list.delimiter() == Delimiter::Bracket => split_commas(list.stream()),
            _ => vec![self.value.clone()],
        };
        let name = |part: TokenStream| {
            syn::parse2::<LitStr>(part).ok().filter(|name| !name.value().trim().is_empty())
        };
        let names: Option<Vec<LitStr>> = parts.into_iter().map(name).collect();
        let names = names.filter(|names| !names.is_empty());
        if names.is_none() {
            self.expected(errors, "the name of a worker in quotes, or several in brackets");
        }
        names
    }

    /// Reports a string where there should be none.
    fn quoted(&self, errors: &Errors) -> bool {
        let Ok(Lit::Str(literal)) = syn::parse2::<Lit>(self.value.clone()) else { return false };
        let text = literal.value();
        if text.trim().is_empty() {
            self.expected(errors, "a value, found empty quotes");
        } else {
            // The habit comes from `#[serde(crate = "…")]`, where the path is relative as well.
            let root = if self.key == "crate" && !text.starts_with("crate") { "::" } else { "" };
            let text = text.trim_start_matches("::");
            errors.at(&literal, format_args!("drop the quotes: write `{} = {root}{text}`", self.key));
        }
        true
    }

    /// Reads all of the value; what is left over lacks a comma before it.
    fn read<T>(
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
        if let Some(first) = rest.into_iter().next() {
            errors.at(first, format_args!("expected `,` after the value of `{}`", self.key));
        }
        Some(value)
    }

    fn expected(&self, errors: &Errors, what: &str) {
        errors.at(&self.value, format_args!("expected {what}; write `{}`", self.form));
    }
}
