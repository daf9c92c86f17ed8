//! What stands after a key: the `=`, or the sign that was written for it, and the value.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};

use super::{Key, Value};
use crate::errors::Errors;
use crate::support::{is_punct, readable, split_commas};

impl Key {
    /// What was written after the key; nothing for a flag.
    pub(super) fn value(
        &self,
        errors: &Errors,
        written: &Ident,
        rest: TokenStream,
        form: &str,
    ) -> Option<TokenStream> {
        match self.value {
            Value::Welcome if rest.is_empty() => Some(rest),
            Value::Needed | Value::Welcome => self.after_equals(errors, written, rest, form),
            Value::Refused => {
                let name = self.name;
                match rest.clone().into_iter().next() {
                    None => {}
                    Some(TokenTree::Punct(punct)) if !matches!(punct.as_char(), '=' | ':') => {
                        errors.at(&punct, format_args!("expected `,` after `{name}`; write `,`"));
                    }
                    Some(TokenTree::Ident(word)) => {
                        errors.at(&word, format_args!("expected `,` before `{word}`; write `, {word}`"));
                    }
                    Some(_) if rest.to_string().ends_with("false") => {
                        errors.at(
                            &rest,
                            format_args!("`{name}` takes no value; drop `{name}` where it is not so"),
                        );
                        return None;
                    }
                    Some(_) => {
                        errors.at(&rest, format_args!("`{name}` takes no value; write `{name}` alone"));
                    }
                }
                Some(TokenStream::new())
            }
        }
    }

    fn after_equals(
        &self,
        errors: &Errors,
        written: &Ident,
        rest: TokenStream,
        form: &str,
    ) -> Option<TokenStream> {
        let name = self.name;
        let (sign, value) = split_sign(rest);
        let inside = match (sign.is_empty(), value.clone().into_iter().next()) {
            // `source(Feed::Rss)`: what the parentheses hold is what was meant.
            (true, Some(TokenTree::Group(group))) if group.delimiter() != Delimiter::None => group.stream(),
            _ => value.clone(),
        };
        if inside.is_empty() {
            errors.at(written, format_args!("`{name}` has no value; write `{form}`"));
            return None;
        }
        let found = readable(&sign).replace("  ", " ");
        let mut parts = if sign.is_empty() { split_commas(inside.clone()) } else { Vec::new() };
        if parts.len() > 1 && !inside.clone().into_iter().any(|token| is_punct(&token, '=')) {
            // `backoff("10ms", "30s")`: as a call.
            let fix = match parts.as_slice() {
                [base, max] if name == "backoff" => {
                    format!("backoff = {}, max_backoff = {}", readable(base), readable(max))
                }
                _ => form.to_owned(),
            };
            errors.at(value, format_args!("expected `=` after `{name}`; write `{fix}`"));
            return Some(parts.swap_remove(0));
        }
        if found != "=" {
            let meant = readable(&inside);
            // What was meant can be a sentence of its own mistakes: then the form is shown.
            let fix = if meant.contains('=') { form.to_owned() } else { format!("{name} = {meant}") };
            if sign.is_empty() {
                let first = value.into_iter().next();
                errors.at(first, format_args!("expected `=` after `{name}`; write `{fix}`"));
            } else {
                errors.at(&sign, format_args!("expected `=` after `{name}`, found `{found}`; write `{fix}`"));
            }
        }
        Some(inside)
    }
}

/// The `=`, or the sign that stands in its place, and what follows it.
fn split_sign(rest: TokenStream) -> (TokenStream, TokenStream) {
    let tokens: Vec<TokenTree> = rest.into_iter().collect();
    let sign = |at: usize, wanted: &str| match tokens.get(at) {
        Some(TokenTree::Punct(punct)) => wanted.contains(punct.as_char()),
        _ => false,
    };
    let joint = matches!(tokens.first(), Some(TokenTree::Punct(punct)) if punct.spacing() == Spacing::Joint);
    let length = match (sign(0, "=:-"), joint) {
        (false, _) => 0,
        // `==`, `=>`, `:=`, `::`, `->`
        (true, true) if sign(1, "=>") || (sign(0, ":") && sign(1, ":")) => 2,
        (true, _) if sign(0, "-") => 0,
        // `: =`
        (true, false) if sign(1, "=") => 2,
        (true, _) => 1,
    };
    let mut tokens = tokens.into_iter();
    let sign = tokens.by_ref().take(length).collect();
    (sign, tokens.collect())
}
