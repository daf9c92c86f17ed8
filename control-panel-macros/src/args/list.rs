//! Cuts a list at its commas, and where one is missing.

use proc_macro2::{Spacing, TokenStream, TokenTree};

use super::{Place, Value};
use crate::errors::Errors;
use crate::support::{Angles, is_punct, readable};

/// The arguments of a list. What stands wrongly between them is reported here, once, at the token.
pub(super) fn cut(errors: &Errors, place: &Place, tokens: TokenStream, form: &str) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut parts = Vec::new();
    let mut part: Vec<TokenTree> = Vec::new();
    let mut stray = Vec::new();
    let mut angles = Angles::default();
    let mut skipped = 0;
    for (at, token) in tokens.iter().enumerate() {
        if skipped > 0 {
            skipped -= 1;
            continue;
        }
        let length = if angles.closed() { sign_for_comma(place, &part, &tokens[at..]) } else { 0 };
        if length > 0 {
            let sign: TokenStream = tokens[at..at + length].iter().cloned().collect();
            errors.at(&sign, format_args!("expected `,`, found `{}`; write `,`", readable(&sign)));
            parts.push(part.drain(..).collect());
            skipped = length - 1;
            continue;
        }
        let separates = is_punct(token, ',') || is_punct(token, ';');
        if separates && angles.closed() {
            if part.is_empty() {
                stray.push(token);
            } else {
                if is_punct(token, ';') {
                    errors.at(token, "arguments are separated by commas; write `,`");
                }
                parts.push(part.drain(..).collect());
            }
            continue;
        }
        if angles.closed() && lacks_comma(place, &part, &tokens[at..]) {
            errors.at(token, format_args!("expected `,` before `{token}`; write `, {token}`"));
            parts.push(part.drain(..).collect());
        }
        angles.see(token);
        part.push(token.clone());
    }
    if !part.is_empty() {
        parts.push(part.into_iter().collect());
    }
    let nothing_else = parts.is_empty();
    for comma in stray.into_iter().take(if nothing_else { 1 } else { usize::MAX }) {
        if nothing_else {
            errors.at(comma, format_args!("expected an argument, found `{comma}`; write `{form}`"));
        } else {
            errors.at(comma, format_args!("expected an argument, found `{comma}`; drop this `{comma}`"));
        }
    }
    parts
}

/// `source = A | restart = never`: how long the sign is that stands between two arguments, if there is one.
fn sign_for_comma(place: &Place, part: &[TokenTree], rest: &[TokenTree]) -> usize {
    if !matches!(rest.first(), Some(TokenTree::Punct(_))) {
        return 0;
    }
    let sign =
        |token: &&TokenTree| matches!(token, TokenTree::Punct(sign) if "/|&@.+".contains(sign.as_char()));
    let length = rest.iter().take_while(sign).count();
    let [TokenTree::Ident(word), equals, ..] = &rest[length..] else { return 0 };
    let key = place.keys.iter().any(|key| word == key.name);
    if key && is_punct(equals, '=') && part.len() > 2 { length } else { 0 }
}

/// Whether the next argument begins here, after one that is complete: two words beside each other of which the second is
/// followed by `=`, or is a key that stands alone.
fn lacks_comma(place: &Place, part: &[TokenTree], rest: &[TokenTree]) -> bool {
    let ([first, ..], Some(before), [TokenTree::Ident(word), after @ ..]) = (part, part.last(), rest) else {
        return false;
    };
    if is_punct(first, '#') && part.len() == 2 {
        return false;
    }
    let complete = match before {
        TokenTree::Ident(before) => !is_prefix(&before.to_string()),
        TokenTree::Literal(_) | TokenTree::Group(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == '>' && part.iter().any(|token| is_punct(token, '<')),
    };
    if !complete {
        return false;
    }
    match after {
        [TokenTree::Punct(punct), ..] if punct.as_char() == '=' => punct.spacing() == Spacing::Alone,
        [TokenTree::Punct(punct), ..] if !matches!(punct.as_char(), ',' | ';') => false,
        [TokenTree::Ident(_) | TokenTree::Literal(_), ..] => false,
        _ => {
            let key = |name: &TokenTree| place.keys.iter().find(|key| *name.to_string() == *key.name);
            // `clock latest` is a clock that lacks its `=`.
            let waits = part.len() == 1 && key(first).is_none_or(|key| key.value == Value::Needed);
            !waits && place.keys.iter().any(|key| key.value != Value::Needed && word == key.name)
        }
    }
}

/// Words in types that another word may follow.
fn is_prefix(word: &str) -> bool {
    matches!(word, "dyn" | "impl" | "mut" | "const" | "fn" | "unsafe" | "extern" | "as" | "for")
}
