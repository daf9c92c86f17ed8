//! Takes one argument apart at its key, which may be misspelt or missing.

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};
use quote::quote;
use syn::LitStr;

use super::{Arg, Key, Place};
use crate::errors::Errors;
use crate::support::{ends, is_punct, nearest, one_of, readable};

/// `#[worker((source = S))]`: what the inner parentheses hold.
pub(super) fn nested(errors: &Errors, part: &TokenStream) -> Option<TokenStream> {
    let mut tokens = part.clone().into_iter();
    let (Some(TokenTree::Group(group)), None) = (tokens.next(), tokens.next()) else { return None };
    let inner = group.stream();
    if inner.is_empty() {
        errors.at(&group, "expected an argument, found empty parentheses; drop them");
    } else {
        errors.at(
            &group,
            format_args!("the arguments stand in one pair of parentheses; write `{}`", readable(&inner)),
        );
    }
    Some(inner)
}

/// `#[cfg(unix)] source = S`: without the attribute.
pub(super) fn plain(errors: &Errors, part: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = part.clone().into_iter().collect();
    match tokens.as_slice() {
        [hash, TokenTree::Group(group), rest @ ..] if is_punct(hash, '#') => {
            let attribute = quote!(#hash #group);
            // Documentation comes as an attribute too, but was written otherwise.
            let shown = readable(&attribute);
            if shown.starts_with("#[doc") {
                errors.at(attribute, "an argument has no documentation; drop this line");
            } else {
                errors.at(attribute, format_args!("an argument has no attributes; drop `{shown}`"));
            }
            plain(errors, rest.iter().cloned().collect())
        }
        _ => part,
    }
}

/// `after = "store", "log"`: names that lack their brackets.
pub(super) fn continues(errors: &Errors, part: &TokenStream, last: Option<&mut Arg>) -> bool {
    let Some(after) = last.filter(|arg| arg.name == "after") else { return false };
    if syn::parse2::<LitStr>(part.clone()).is_err() {
        return false;
    }
    let names = match after.value.clone().into_iter().next() {
        Some(TokenTree::Group(group)) => group.stream(),
        _ => after.value.clone(),
    };
    let names = quote!(#names, #part);
    errors.at(
        part,
        format_args!(
            "expected a key, found a name; several names stand in brackets: write `after = [{}]`",
            readable(&names)
        ),
    );
    after.value = quote!([#names]);
    true
}

fn no_key(errors: &Errors, tokens: &TokenStream, form: &str) {
    errors.at(tokens, format_args!("expected `key = value`; write `{form}`"));
}

impl Place {
    /// Splits `key = value` after the key.
    pub(super) fn key(&self, errors: &Errors, part: TokenStream, form: &str) -> Option<(Ident, TokenStream)> {
        let tokens: Vec<TokenTree> = part.clone().into_iter().collect();
        let rest = |from: usize| tokens[from..].iter().cloned().collect::<TokenStream>();
        match tokens.as_slice() {
            [TokenTree::Ident(key), after @ ..] if !self.is_path(key, after) => match hyphenated(&tokens) {
                Some((key, length)) => {
                    let written: TokenStream = tokens[..length].iter().cloned().collect();
                    errors.at(written, format_args!("a key has underscores; write `{key}`"));
                    Some((key, rest(length)))
                }
                None => Some((key.clone(), rest(1))),
            },
            [TokenTree::Literal(literal), equals, ..] if is_punct(equals, '=') => {
                let text = syn::parse2::<LitStr>(quote!(#literal)).ok()?;
                let key = syn::parse_str::<Ident>(&text.value()).ok();
                if let Some(key) = &key {
                    errors.at(literal, format_args!("a key has no quotes; write `{key}`"));
                } else {
                    no_key(errors, &part, form);
                }
                let mut key = key?;
                key.set_span(literal.span());
                Some((key, rest(1)))
            }
            [TokenTree::Literal(_), ..] => {
                no_key(errors, &part, form);
                None
            }
            _ => self.path_as_key(errors, part),
        }
    }

    /// `Feed::Rss`, or a lone `Feed` that is no misspelt key.
    fn is_path(&self, first: &Ident, rest: &[TokenTree]) -> bool {
        let name = first.to_string();
        match rest {
            // A single colon was meant for `=`, and so are two behind a key.
            [TokenTree::Punct(colon), ..] if colon.as_char() == ':' => {
                colon.spacing() == Spacing::Joint
                    && rest.get(1).is_some_and(|second| is_punct(second, ':'))
                    && self.keys.iter().all(|key| key.name == "crate" || key.name != name)
            }
            [] => name.starts_with(char::is_uppercase) && self.guess(&name).is_none(),
            _ => false,
        }
    }

    /// A path without a key was meant for the first of them, if it can be a value of that.
    fn path_as_key(&self, errors: &Errors, part: TokenStream) -> Option<(Ident, TokenStream)> {
        let path: TokenStream = part.into_iter().take_while(|token| !is_punct(token, '=')).collect();
        let first = self.keys[0].name;
        let last = path.clone().into_iter().filter_map(|token| match token {
            TokenTree::Ident(word) => Some(word.to_string()),
            _ => None,
        });
        let named = last.last().is_some_and(|word| word.starts_with(char::is_uppercase));
        if !named || first != "source" {
            self.unknown(errors, &path);
            return None;
        }
        let shown = readable(&path);
        errors.at(&path, format_args!("expected a key, found `{shown}`; write `{first} = {shown}`"));
        let (start, _) = ends(&path)?;
        Some((Ident::new(first, start), quote!(= #path)))
    }

    fn unknown(&self, errors: &Errors, written: &TokenStream) {
        let all = one_of(self.keys.iter().map(|key| key.name), "and");
        let shown = readable(written);
        errors.at(written, format_args!("unknown argument `{shown}`; drop it: {} takes {all}", self.name));
    }

    fn guess(&self, typed: &str) -> Option<&'static str> {
        let (lower, names) = (typed.to_lowercase(), || self.keys.iter().map(|key| key.name));
        names().find(|name| *name == lower).or_else(|| nearest(&lower, names()))
    }

    /// The key that was written, or the one that was meant: then what follows is checked as if it were right,
    /// and the item is expanded with it.
    pub(super) fn known(
        &self,
        errors: &Errors,
        written: &Ident,
        rest: TokenStream,
        whole: &TokenStream,
        form: &str,
    ) -> Option<(Key, TokenStream)> {
        let key = |name: &str| self.keys.iter().find(|key| key.name == name).copied();
        let typed = written.to_string();
        let typed = typed.strip_prefix("r#").unwrap_or(&typed);
        if let Some(known) = key(typed) {
            return Some((known, rest));
        }
        if let Some((_, sentence)) = self.elsewhere.iter().find(|(name, _)| *name == typed) {
            errors.at(whole, sentence);
            return None;
        }
        if let Some((meant, word)) = self.key_of_word(typed) {
            let value: TokenStream = word.parse().unwrap_or_default();
            errors.at(
                written,
                format_args!(
                    "unknown argument `{typed}`; `{word}` is a value: did you mean `{} = {word}`?",
                    meant.name
                ),
            );
            return Some((meant, quote!(= #value)));
        }
        if let Some(near) = self.guess(typed) {
            errors.at(written, format_args!("unknown argument `{typed}`; did you mean `{near}`?"));
            return key(near).map(|key| (key, rest));
        }
        let first = &self.keys[0];
        if form.strip_prefix(first.name).is_some_and(|rest| rest == format!(" = {typed}")) {
            // The field alone, of which its key is said.
            errors.at(written, format_args!("unknown argument `{typed}`; did you mean `{form}`?"));
            return Some((*first, quote!(= #written)));
        }
        self.unknown(errors, &quote!(#written));
        None
    }

    /// `blocking`, which is a word of `kind`.
    fn key_of_word(&self, typed: &str) -> Option<(Key, &'static str)> {
        let words = || self.keys.iter().flat_map(|key| key.words.iter().map(|word| (*key, *word)));
        let found = words().find(|(_, word)| *word == typed);
        let near = || {
            let word = nearest(typed, words().map(|(_, word)| word))?;
            let nearer_key = self.guess(typed).is_some();
            words().find(|(_, found)| *found == word && !nearer_key)
        };
        found.or_else(near)
    }
}

/// `max-backoff`, as a command line has it.
fn hyphenated(tokens: &[TokenTree]) -> Option<(Ident, usize)> {
    let TokenTree::Ident(first) = tokens.first()? else { return None };
    let (mut name, mut length) = (first.to_string(), 1);
    while let [hyphen, TokenTree::Ident(word), ..] = &tokens[length..] {
        if !is_punct(hyphen, '-') {
            break;
        }
        name = format!("{name}_{word}");
        length += 2;
    }
    (length > 1).then(|| (Ident::new(&name, first.span()), length))
}
