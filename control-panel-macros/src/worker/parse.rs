//! Reads the signature by hand and leaves the body as it came: without syn's `full`, and whatever is
//! half typed inside the braces.

use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Lifetime, Token, parenthesized};

use super::ast::{Argument, ArgumentKind, Function, Item, Pattern, Qualifier};
use super::look::{self, Look};
use super::{context, split};
use crate::support::{Angles, is_brace, is_punct};

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let qualifiers = parse_qualifiers(input)?;
        if !input.peek(Token![fn]) {
            let word = qualifiers.first().map(|qualifier| qualifier.keyword.clone().into());
            let word = word.map_or_else(|| input.parse(), Ok)?;
            input.parse::<TokenStream>()?;
            return Ok(Self::Other(word));
        }
        let fn_token = input.parse()?;
        let name = input.parse()?;
        let generics = input.parse()?;
        let content;
        let parens = parenthesized!(content in input);
        let (arguments, mut mended) = split::arguments(content.parse()?);
        let arguments = arguments.into_iter().map(parse_argument).collect();
        let mut output = parse_output(input)?;
        let mut where_clause = parse_until_body(input)?;
        // What rustc has refused: `fn name() = { … }`, and `fn name(): () { … }`, which it understands.
        let mut behind = where_clause.clone().into_iter();
        if let Some(TokenTree::Punct(sign)) = behind.next()
            && matches!(sign.as_char(), '=' | ':')
        {
            if sign.as_char() == ':' {
                output = Some((Token![->](sign.span()), behind.collect()));
            }
            (where_clause, mended) = (TokenStream::new(), true);
        }
        let body = input.parse()?;
        Ok(Self::Function(Box::new(Function {
            attrs,
            vis,
            qualifiers,
            fn_token,
            name,
            generics,
            parens,
            arguments,
            mended,
            output,
            where_clause,
            body,
        })))
    }
}

fn parse_qualifiers(input: ParseStream<'_>) -> syn::Result<Vec<Qualifier>> {
    let mut qualifiers = Vec::new();
    while input.peek(Token![const])
        || input.peek(Token![async])
        || input.peek(Token![unsafe])
        || input.peek(Token![extern])
    {
        let keyword = input.call(Ident::parse_any)?;
        let abi = if keyword == "extern" { input.parse()? } else { None };
        qualifiers.push(Qualifier { keyword, abi });
    }
    Ok(qualifiers)
}

fn parse_output(input: ParseStream<'_>) -> syn::Result<Option<(Token![->], TokenStream)>> {
    if !input.peek(Token![->]) {
        return Ok(None);
    }
    Ok(Some((input.parse()?, parse_until_body(input)?)))
}

/// Everything before `where`, the body's braces or the `;`, angle brackets respected: `Foo<{ N }>` is no
/// body.
fn parse_until_body(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut tokens = Vec::new();
    let mut angles = Angles::default();
    loop {
        let Some((next, _)) = input.cursor().token_tree() else {
            return Err(input.error("expected a body in braces"));
        };
        let ends_output = !tokens.is_empty() && matches!(&next, TokenTree::Ident(ident) if ident == "where");
        if angles.closed() && (is_body(&next) || is_punct(&next, ';') || ends_output) {
            return Ok(tokens.into_iter().collect());
        }
        angles.see(&next);
        tokens.push(input.parse::<TokenTree>()?);
    }
}

/// Braces, also as `$body:block`. What is in the braces is not looked at: it may be long.
fn is_body(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            group.stream().into_iter().next().is_some_and(|inner| is_body(&inner))
        }
        other => is_brace(other),
    }
}

fn parse_argument(tokens: TokenStream) -> Argument {
    if let Some(kind) = plain_argument(&tokens) {
        return Argument { attrs: Vec::new(), kind, tokens };
    }
    let read = |input: ParseStream<'_>| {
        let attrs = input.call(Attribute::parse_outer)?;
        let kind = parse_argument_kind(input)?;
        Ok((attrs, kind))
    };
    let (attrs, kind) = syn::parse::Parser::parse2(read, tokens.clone())
        .unwrap_or_else(|_| (Vec::new(), ArgumentKind::Unreadable));
    Argument { attrs, kind, tokens }
}

/// `name: Type` with a type that is plain: most are, and to read one costs each build.
fn plain_argument(tokens: &TokenStream) -> Option<ArgumentKind> {
    let mut tokens = tokens.clone().into_iter();
    let (TokenTree::Ident(name), TokenTree::Punct(colon)) = (tokens.next()?, tokens.next()?) else {
        return None;
    };
    let is_name = name != "_" && name != "self";
    let ty: TokenStream = tokens.collect();
    if !is_name
        || colon.as_char() != ':'
        || colon.spacing() != Spacing::Alone
        || ty.is_empty()
        || !look::is_plain(&ty)
    {
        return None;
    }
    let context = context::is_context(&ty, true);
    Some(ArgumentKind::Typed { pattern: Pattern::Name(name), ty, plain: true, context })
}

fn parse_argument_kind(input: ParseStream<'_>) -> syn::Result<ArgumentKind> {
    if is_receiver(&input.fork()) {
        input.parse::<TokenStream>()?;
        return Ok(ArgumentKind::Receiver);
    }
    let mut pattern = Vec::new();
    while !input.is_empty() && (!input.peek(Token![:]) || input.peek(Token![::])) {
        if input.peek(Token![...]) {
            input.parse::<TokenStream>()?;
            return Ok(ArgumentKind::Variadic);
        }
        // A path in a pattern has two colons, of which neither ends the pattern.
        if input.peek(Token![::]) {
            pattern.push(input.parse::<TokenTree>()?);
        }
        pattern.push(input.parse::<TokenTree>()?);
    }
    input.parse::<Token![:]>()?;
    if input.peek(Token![...]) {
        input.parse::<TokenStream>()?;
        return Ok(ArgumentKind::Variadic);
    }
    let ty: TokenStream = input.parse()?;
    // `a?: u8`, which rustc has refused.
    let refused = pattern.iter().any(|token| is_punct(token, '?'));
    let look = Look::at(&ty);
    let plain = look.plain;
    if refused || pattern.is_empty() || ty.is_empty() || look.is_malformed(&ty) {
        return Ok(ArgumentKind::Unreadable);
    }
    let context = context::is_context(&ty, plain);
    Ok(ArgumentKind::Typed { pattern: parse_pattern(&pattern), ty, plain, context })
}

/// `self` behind any of `&`, `'a` and `mut`.
fn is_receiver(input: ParseStream<'_>) -> bool {
    let _: Option<Token![&]> = input.parse().ok().flatten();
    let _: Option<Lifetime> = input.parse().ok().flatten();
    let _: Option<Token![mut]> = input.parse().ok().flatten();
    input.peek(Token![self])
}

fn parse_pattern(tokens: &[TokenTree]) -> Pattern {
    let name = match tokens {
        [TokenTree::Ident(mutable), TokenTree::Ident(name)] if mutable == "mut" => name,
        [TokenTree::Ident(name)] => name,
        // What a `macro_rules!` captured as `$name:pat` comes wrapped in a group without delimiters.
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => return ungroup(group),
        _ => return Pattern::Other(tokens.iter().cloned().collect()),
    };
    if name == "_" { Pattern::Wildcard(name.span()) } else { Pattern::Name(name.clone()) }
}

fn ungroup(group: &Group) -> Pattern {
    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
    parse_pattern(&inner)
}
