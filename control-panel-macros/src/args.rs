//! `key = value, …`, as both attributes take them: spans kept, duplicates and misspellings told.

use std::time::Duration;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Lit, LitStr, Path, Token};

use crate::duration;
use crate::errors::Errors;
use crate::support::{ends, is_punct, nearest, one_of, readable, split_commas};

/// What may be written at one place: `#[worker(…)]`, `#[intent(…)]` on an enum or on a variant.
pub(crate) struct Place {
    /// As the user reads it: "`#[worker]`".
    pub name: &'static str,
    pub keys: &'static [Key],
    /// Keys of another place, with the sentence that sends them there.
    pub elsewhere: &'static [(&'static str, &'static str)],
}

/// A key that may be written at a place.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub name: &'static str,
    /// How to write it: shown when it is written wrongly.
    pub form: &'static str,
    value: Value,
}

#[derive(Clone, Copy, PartialEq)]
enum Value {
    Needed,
    /// The key alone says it all.
    Refused,
    /// The key alone is right, and so is a value.
    Welcome,
}

impl Key {
    /// `name = value`
    pub(crate) const fn valued(name: &'static str, form: &'static str) -> Self {
        Self { name, form, value: Value::Needed }
    }

    /// `name`
    pub(crate) const fn flag(name: &'static str) -> Self {
        Self { name, form: name, value: Value::Refused }
    }

    /// `name` or `name = value`
    pub(crate) const fn perhaps_valued(name: &'static str, form: &'static str) -> Self {
        Self { name, form, value: Value::Welcome }
    }

    /// What was written after the key; nothing for a flag.
    fn value(&self, errors: &Errors, written: &Ident, rest: TokenStream) -> Option<TokenStream> {
        match self.value {
            Value::Welcome if rest.is_empty() => Some(rest),
            Value::Needed | Value::Welcome => value_after_equals(errors, written, rest, self.form),
            Value::Refused => {
                let name = self.name;
                match rest.clone().into_iter().next() {
                    None => {}
                    Some(TokenTree::Group(_)) => no_value(errors, &rest, name),
                    Some(token) if is_punct(&token, '=') => no_value(errors, &rest, name),
                    Some(token) => errors.at(token, format_args!("expected `,` after `{name}`")),
                }
                Some(TokenStream::new())
            }
        }
    }
}

#[derive(Default)]
pub(crate) struct Arguments {
    pub list: Vec<Arg>,
    /// Something was written that could not be given to a key, so a key that seems to be missing may be
    /// there, misspelt.
    pub unread: bool,
}

/// One `key = value`, or `key` alone, whose key is known here and new.
pub(crate) struct Arg {
    pub key: Ident,
    pub value: TokenStream,
    form: &'static str,
    pub nth: usize,
}

/// An option that was read, with the key to point at and its place among the others.
pub(crate) struct Given<T> {
    pub key: Ident,
    pub value: T,
    pub nth: usize,
}

impl Place {
    /// The arguments that can be read further; everything else is reported. `whole` is the attribute, for
    /// mistakes that are about where it stands.
    pub(crate) fn parse(&self, errors: &Errors, tokens: TokenStream, whole: &TokenStream) -> Arguments {
        let mut list: Vec<Arg> = Vec::new();
        let mut seen = Vec::new();
        let mut unread = false;
        for (nth, part) in split_commas(tokens).into_iter().enumerate() {
            let Some((written, rest)) = self.key(errors, part) else {
                unread = true;
                continue;
            };
            let Some(key) = self.known(errors, &written, whole) else {
                unread = true;
                continue;
            };
            let Key { name, form, .. } = key;
            if seen.contains(&name) {
                if written == name {
                    errors.at(&written, format_args!("`{name}` is given twice; keep one of the two"));
                }
                continue;
            }
            // A key without a value still takes its place, so that a second one is told to be second.
            seen.push(name);
            match key.value(errors, &written, rest) {
                Some(value) => list.push(Arg { key: Ident::new(name, written.span()), value, form, nth }),
                None => unread = true,
            }
        }
        Arguments { list, unread }
    }

    /// Splits `key = value` after the key.
    fn key(&self, errors: &Errors, part: TokenStream) -> Option<(Ident, TokenStream)> {
        let mut tokens = part.clone().into_iter();
        match tokens.next()? {
            TokenTree::Ident(key) if !self.is_path(&key, &tokens.clone().collect()) => {
                Some((key, tokens.collect()))
            }
            TokenTree::Literal(literal) => {
                errors.at(literal, format_args!("expected `key = value`, such as `{}`", self.keys[0].form));
                None
            }
            _ => self.path_as_key(errors, part),
        }
    }

    /// `Feed::Rss`, or a lone `Feed` that is no misspelt key.
    fn is_path(&self, first: &Ident, rest: &TokenStream) -> bool {
        let first = first.to_string();
        let names = self.keys.iter().map(|key| key.name);
        match rest.clone().into_iter().next() {
            Some(token) => is_punct(&token, ':'),
            None => first.starts_with(char::is_uppercase) && nearest(&first, names).is_none(),
        }
    }

    /// A path without a key was meant for the first of them.
    fn path_as_key(&self, errors: &Errors, part: TokenStream) -> Option<(Ident, TokenStream)> {
        let path: TokenStream = part.into_iter().take_while(|token| !is_punct(token, '=')).collect();
        let first = self.keys[0].name;
        errors.at(
            &path,
            format_args!("expected a key, found a path; did you mean `{first} = {}`?", readable(&path)),
        );
        let (start, _) = ends(&path)?;
        Some((Ident::new(first, start), quote!(= #path)))
    }

    /// The key that was written, or the one that was meant: then what follows is checked as if it were right,
    /// and the item is expanded with it.
    fn known(&self, errors: &Errors, written: &Ident, whole: &TokenStream) -> Option<Key> {
        let key = |name: &str| self.keys.iter().find(|key| key.name == name).copied();
        let typed = written.to_string();
        if let Some(known) = key(&typed) {
            return Some(known);
        }
        if let Some((_, sentence)) = self.elsewhere.iter().find(|(name, _)| *name == typed) {
            errors.at(whole, sentence);
            return None;
        }
        let names = || self.keys.iter().map(|key| key.name);
        if let Some(near) = nearest(&typed, names()) {
            errors.at(written, format_args!("unknown argument `{typed}`; did you mean `{near}`?"));
            return key(near);
        }
        let all = one_of(names(), "and");
        errors.at(written, format_args!("unknown argument `{typed}`; {} takes {all}", self.name));
        None
    }
}

fn no_value(errors: &Errors, rest: &TokenStream, name: &str) {
    errors.at(rest, format_args!("`{name}` takes no value; write `{name}` alone"));
}

fn value_after_equals(errors: &Errors, key: &Ident, rest: TokenStream, form: &str) -> Option<TokenStream> {
    let mut tokens = rest.into_iter();
    match tokens.next() {
        Some(TokenTree::Punct(punct)) if punct.as_char() == '=' => {
            let value: TokenStream = tokens.collect();
            if value.is_empty() {
                errors.at(key, format_args!("`{key}` has no value; write `{form}`"));
                return None;
            }
            Some(value)
        }
        None => {
            errors.at(key, format_args!("`{key}` has no value; write `{form}`"));
            None
        }
        Some(other) => {
            errors.at(&other, format_args!("expected `=` after `{key}`; write `{form}`"));
            // `source(Feed::Rss)`: what the parentheses hold is what was meant.
            match other {
                TokenTree::Group(group) => Some(group.stream()),
                _ => None,
            }
        }
    }
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
