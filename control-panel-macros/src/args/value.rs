//! The value of a key: a name, a word, names in quotes.
//!
//! After an error each of these still returns what was meant, where that is clear.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{LitStr, Type};

use super::meant;
use crate::errors::Errors;
use crate::support::{is_punct, one_of, readable, split_commas};

/// One `key = value`, or `key` alone, whose key is known here and new.
pub(crate) struct Arg {
    pub key: Ident,
    /// The key's name, which costs less to compare.
    pub name: &'static str,
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
    pub(super) fn nothing_left(&self, errors: &Errors, rest: TokenStream) {
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
