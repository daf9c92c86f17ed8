//! The signature as it should be, where all of it is what a message shows.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::GenericParam;

use super::ast::Function;
use super::bounds;
use super::types;
use crate::support::{is_punct, readable};

/// `name(cx: Context<Update>, text: String)`: without lifetimes, and what they borrowed owned.
pub(super) fn owned(function: &Function) -> String {
    let arguments: Vec<String> =
        function.arguments.iter().map(|argument| readable(&own(&argument.tokens))).collect();
    let params = function.generics.params.iter().filter(|param| !matches!(param, GenericParam::Lifetime(_)));
    let params: Vec<String> = params.map(|param| readable(&param.to_token_stream())).collect();
    format!("{}{}({})", function.name, in_angles(&params), arguments.join(", "))
}

/// `async fn name<I: Intent>(cx: Context<I>)`: with what the `where` clause says of its parameters, and what of the clause has no
/// place there.
pub(super) fn bounds_inside(function: &Function) -> (String, Vec<String>) {
    let (params, left) = bounds::inside(function);
    let words = function.qualifiers.iter().map(|qualifier| qualifier.keyword.to_string());
    let words: String = words.chain(["fn".to_owned()]).flat_map(|word| [word, " ".to_owned()]).collect();
    let arguments: Vec<String> =
        function.arguments.iter().map(|argument| readable(&argument.tokens)).collect();
    let output = function.output.as_ref().map(|(_, ty)| format!(" -> {}", readable(ty))).unwrap_or_default();
    let name = &function.name;
    (format!("{words}{name}{}({}){output}", in_angles(&params), arguments.join(", ")), left)
}

fn in_angles(params: &[String]) -> String {
    if params.is_empty() { String::new() } else { format!("<{}>", params.join(", ")) }
}

/// `&'a str` becomes `String`, `&'a T` a `T`, and any other `'a` is `'static`.
fn own(tokens: &TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let (mut owned, mut at) = (TokenStream::new(), 0);
    let is_ident =
        |at: usize, name: &str| matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == name);
    let is = |at: usize, sign: char| tokens.get(at).is_some_and(|token| is_punct(token, sign));
    while let Some(token) = tokens.get(at) {
        if is_punct(token, '&') {
            // The lifetime is a sign and a name.
            at += if is(at + 1, '\'') { 3 } else { 1 };
            at += usize::from(is_ident(at, "mut"));
            let borrowed = tokens.get(at).map(ToTokens::to_token_stream).unwrap_or_default();
            let borrowed = syn::parse2(own(&borrowed)).ok();
            let whole = borrowed.filter(|_| !is(at + 1, '<') && !is(at + 1, ':'));
            // Of the two that may be meant, the one that is not shared.
            let text = whole.map(|ty| types::owned(&ty)).unwrap_or_default();
            let first =
                text.trim_start_matches('`').split('`').next().unwrap_or_default().parse::<TokenStream>();
            match first {
                Ok(first) if !first.is_empty() => {
                    owned.extend(first);
                    at += 1;
                }
                _ => {}
            }
            continue;
        }
        match token {
            TokenTree::Group(group) => {
                let mut inner = proc_macro2::Group::new(group.delimiter(), own(&group.stream()));
                inner.set_span(group.span());
                owned.extend(quote!(#inner));
            }
            token if is_punct(token, '\'') => {
                owned.extend(quote!('static));
                at += 1;
            }
            token => owned.extend(token.to_token_stream()),
        }
        at += 1;
    }
    owned
}
