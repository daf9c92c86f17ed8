//! `key = value, …`, as both attributes take them: spans kept, duplicates and misspellings told. Here the keys; `value` reads
//! what follows them.

mod value;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;

pub(crate) use self::value::{Arg, Given};
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
