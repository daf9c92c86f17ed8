//! `#[worker]`: parse, check, expand.

mod arguments;
mod ast;
mod body;
mod bounds;
mod check;
mod conflicts;
mod context;
mod docs;
mod expand;
mod fallback;
mod generics;
mod inbox;
mod look;
mod options;
mod parse;
mod signature;
mod split;
mod types;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

use self::ast::{Function, Item};
use self::options::Options;
use crate::editor;
use crate::errors::Errors;
use crate::support::{plain, readable, see_through};

pub(crate) fn worker(args: TokenStream, item: &TokenStream) -> TokenStream {
    let errors = Errors::new();
    parentheses(&errors, &args);
    let tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    let options = Options::parse(&errors, args.clone(), is_async(&tokens));
    let shown = editor::of(&options.home, "worker", &[args]);
    let (signature, body) = without_body(&tokens);
    let function = match syn::parse2::<Item>(signature) {
        Ok(Item::Function(function)) => Function { body: body.unwrap_or(function.body), ..*function },
        Ok(Item::Other(word)) => {
            check::not_a_function(&errors, &word);
            return fallback::untouched(item, &options, errors);
        }
        // The signature is half typed. rustc reads it again from our output and says what is missing.
        Err(_) => return fallback::untouched(item, &options, errors),
    };
    let shown = editor::beside(&plain(&function.name), &shown);
    check::function(&errors, &function, &options);
    if errors.is_empty() && function.is_complete() && !check::rustc_refuses(&function) {
        // Nothing was found, so what this adds to the output is nothing.
        let none = errors.into_tokens();
        return [shown, expand::worker(&tokens, &function, &options), none].into_iter().collect();
    }
    [shown, fallback::worker(item, &function, &options, errors)].into_iter().collect()
}

/// What stands behind the name of the attribute. One that a macro made has that macro's text, and is not asked.
fn behind_name() -> Option<String> {
    let text = Span::call_site().source_text()?;
    let inside = text.strip_prefix("#[")?;
    let behind = inside.trim_start_matches(|letter: char| letter.is_alphanumeric() || "_: ".contains(letter));
    Some(behind.to_owned())
}

/// `#[worker{…}]`: rustc hands over what is in the delimiters, whichever they are.
fn parentheses(errors: &Errors, args: &TokenStream) {
    if !args.is_empty() && behind_name().is_some_and(|behind| behind.starts_with(['{', '['])) {
        let shown = readable(&see_through(args.clone()));
        errors.at_span(
            Span::call_site(),
            format_args!("`#[worker]` takes parentheses; write `#[worker({shown})]`"),
        );
    }
}

/// Whether it is an `async fn`, however much of it is typed: then some kinds are out of the question.
fn is_async(item: &[TokenTree]) -> bool {
    let word = |token: &TokenTree, name: &str| matches!(token, TokenTree::Ident(word) if word == name);
    let mut before = item.iter().take_while(|token| !word(token, "fn"));
    before.any(|token| word(token, "async"))
}

/// The item with empty braces at its end, and what stands there: it may be long, and nothing in it is looked at.
fn without_body(item: &[TokenTree]) -> (TokenStream, Option<TokenTree>) {
    let Some((TokenTree::Group(body), signature)) = item.split_last() else {
        return (item.iter().cloned().collect(), None);
    };
    if body.delimiter() != Delimiter::Brace {
        return (item.iter().cloned().collect(), None);
    }
    let mut empty = Group::new(Delimiter::Brace, TokenStream::new());
    empty.set_span(body.span());
    let empty = TokenTree::Group(empty);
    (signature.iter().cloned().chain([empty]).collect(), Some(body.clone().into()))
}
