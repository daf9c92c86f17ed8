//! Cuts a function's arguments at their commas, and where one is missing.
//!
//! rustc has read the function before the macro did, and has reported what is wrong with its form. What is mended here is what the
//! spawn method is made of, so that nothing is reported twice.

use std::mem;

use proc_macro2::{Ident, Punct, Spacing, TokenStream, TokenTree};

use crate::support::{Angles, is_punct};

/// The arguments, and whether one had to be mended.
pub(super) fn arguments(tokens: TokenStream) -> (Vec<TokenStream>, bool) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut cut = cut(&tokens, false);
    if cut.open > 0 {
        // `Context<Update, text: String`: what has a name and a colon is no argument of a type.
        cut = self::cut(&tokens, true);
        let open = cut.open;
        if let Some(last) = cut.parts.last_mut() {
            close(last, open);
        }
        cut.mended = true;
    }
    for part in &mut cut.parts {
        if let Some(whole) = with_colon(part) {
            *part = whole;
            cut.mended = true;
        }
    }
    let parts = cut.parts.into_iter().map(|part| part.into_iter().collect());
    (parts.collect(), cut.mended)
}

#[derive(Default)]
struct Cut {
    parts: Vec<Vec<TokenTree>>,
    mended: bool,
    /// How many `<` are open at the end.
    open: usize,
}

/// With `names`, a name and its colon end the part before also inside of `<…>`.
fn cut(tokens: &[TokenTree], names: bool) -> Cut {
    let mut cut = Cut::default();
    let (mut part, mut angles) = (Vec::new(), Angles::default());
    for (at, token) in tokens.iter().enumerate() {
        let comma = is_punct(token, ',');
        let before_name = names && begins(&tokens[at + 1..]);
        let separates = is_punct(token, ';') || (comma && (angles.closed() || before_name));
        let begins = !separates && angles.closed() && lacks_comma(&part, &tokens[at..]);
        if separates || begins {
            cut.mended |= !comma || !angles.closed();
            close(&mut part, angles.open());
            cut.parts.push(mem::take(&mut part));
            angles = Angles::default();
            if separates {
                continue;
            }
        }
        if is_punct(token, '>') && angles.closed() && !angles.is_arrow() {
            cut.mended = true;
            continue;
        }
        angles.see(token);
        part.push(token.clone());
    }
    if !part.is_empty() {
        cut.parts.push(part);
    }
    cut.open = angles.open();
    cut
}

/// `n: u8 text: String`: a name and its colon behind what is a type already.
fn lacks_comma(part: &[TokenTree], rest: &[TokenTree]) -> bool {
    begins(rest) && part.len() > 2 && (1..part.len() - 1).any(|at| begins(&part[at - 1..]))
}

/// A name and its colon, of which a path has two.
fn begins(rest: &[TokenTree]) -> bool {
    matches!(rest, [TokenTree::Ident(_), TokenTree::Punct(colon), ..]
        if colon.as_char() == ':' && colon.spacing() == Spacing::Alone)
}

/// `name Type`, `name = Type`, `Type name` and `let name: Type` as they are meant.
fn with_colon(part: &[TokenTree]) -> Option<Vec<TokenTree>> {
    let [TokenTree::Ident(first), second, .., last] = part else {
        let [TokenTree::Ident(first), last] = part else { return None };
        return with_colon_between(first, last);
    };
    if first == "let" {
        return Some(part[1..].to_vec());
    }
    let colon = TokenTree::from(Punct::new(':', Spacing::Alone));
    if is_punct(second, ':') || first == "mut" || first == "ref" {
        return None;
    }
    match (second, last) {
        _ if is_punct(second, '=') => {
            Some([first.clone().into(), colon].into_iter().chain(part[2..].iter().cloned()).collect())
        }
        _ if part.iter().any(|token| is_punct(token, ':') || is_punct(token, '@')) => None,
        (TokenTree::Ident(_), _) => {
            Some([first.clone().into(), colon].into_iter().chain(part[1..].iter().cloned()).collect())
        }
        (_, TokenTree::Ident(name)) if is_punct(second, '<') => {
            let ty = part[..part.len() - 1].iter().cloned();
            Some([name.clone().into(), colon].into_iter().chain(ty).collect())
        }
        _ => None,
    }
}

/// `n u8` and `u8 n`.
fn with_colon_between(first: &Ident, last: &TokenTree) -> Option<Vec<TokenTree>> {
    let TokenTree::Ident(last) = last else { return None };
    if first == "mut" || first == "ref" {
        return None;
    }
    let (name, ty) = if is_type(first) { (last, first) } else { (first, last) };
    Some(vec![name.clone().into(), Punct::new(':', Spacing::Alone).into(), ty.clone().into()])
}

/// `String`, `u8`: what a name is not.
fn is_type(word: &Ident) -> bool {
    let word = word.to_string();
    let number = word.starts_with(['u', 'i', 'f']) && word[1..].parse::<u8>().is_ok();
    number
        || matches!(word.as_str(), "usize" | "isize" | "bool" | "char" | "str")
        || word.starts_with(char::is_uppercase)
}

fn close(part: &mut Vec<TokenTree>, open: usize) {
    part.extend((0..open).map(|_| TokenTree::from(Punct::new('>', Spacing::Alone))));
}
