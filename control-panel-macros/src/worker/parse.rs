//! Reads the signature by hand and leaves the body as it came: without syn's `full`, and whatever is
//! half typed inside the braces.

use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Generics, Lifetime, LitStr, Token, Visibility, parenthesized, token};

use super::look::{self, Look};
use super::{context, split, types};
use crate::support::{Angles, is_brace, is_punct};

/// What `#[worker]` stands on.
pub(crate) enum Item {
    Function(Box<Function>),
    /// Something else, with the word that says what.
    Other(TokenTree),
}

pub(crate) struct Function {
    pub attrs: Vec<Attribute>,
    pub vis: Visibility,
    pub qualifiers: Vec<Qualifier>,
    pub fn_token: Token![fn],
    pub name: Ident,
    pub generics: Generics,
    pub parens: token::Paren,
    pub arguments: Vec<Argument>,
    /// Whether something is missing in the signature, such as a comma, or too much, which rustc has reported.
    pub mended: bool,
    /// The arrow and the type.
    pub output: Option<(Token![->], TokenStream)>,
    pub where_clause: TokenStream,
    /// The braces, or the `;` that stands in their place.
    pub body: TokenTree,
}

/// `const`, `async`, `unsafe` or `extern "C"`.
pub(crate) struct Qualifier {
    pub keyword: Ident,
    pub abi: Option<LitStr>,
}

pub(crate) struct Argument {
    pub attrs: Vec<Attribute>,
    pub kind: ArgumentKind,
    /// All of it, attributes included.
    pub tokens: TokenStream,
}

pub(crate) enum ArgumentKind {
    /// `self`, `&mut self`, `self: Box<Self>`.
    Receiver,
    /// `...`
    Variadic,
    /// `pattern: Type`.
    Typed {
        pattern: Pattern,
        ty: TokenStream,
        /// Nothing can be wrong with the type alone.
        plain: bool,
        /// It is the context, not by another name.
        context: bool,
    },
    /// Half typed: `titles` or `titles:`. rustc says what is missing.
    Unreadable,
}

pub(crate) enum Pattern {
    /// `name` or `mut name`.
    Name(Ident),
    Wildcard(Span),
    Other(TokenStream),
}

impl Argument {
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.kind, ArgumentKind::Typed { plain: true, .. })
    }

    pub(crate) fn is_context(&self) -> bool {
        matches!(self.kind, ArgumentKind::Typed { context: true, .. })
    }
}

impl Function {
    pub(crate) fn qualifier(&self, keyword: &str) -> Option<&Qualifier> {
        self.qualifiers.iter().find(|qualifier| qualifier.keyword == keyword)
    }

    pub(crate) fn has_receiver(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument.kind, ArgumentKind::Receiver))
    }

    /// The arguments of the form `pattern: Type`, of which the first is the context.
    pub(crate) fn typed(&self) -> impl Iterator<Item = (&Argument, &TokenStream)> {
        self.arguments.iter().filter_map(|argument| match &argument.kind {
            ArgumentKind::Typed { ty, .. } => Some((argument, ty)),
            _ => None,
        })
    }

    pub(crate) fn context_type(&self) -> Option<&TokenStream> {
        self.typed().next().map(|(_, ty)| ty)
    }

    /// The arguments in their parentheses.
    fn parenthesized(&self) -> TokenStream {
        let arguments = self.arguments.iter().map(|argument| &argument.tokens);
        let mut parenthesized = TokenStream::new();
        self.parens.surround(&mut parenthesized, |tokens| tokens.extend(quote!(#(#arguments),*)));
        parenthesized
    }

    /// `fn name<…>(…)`
    pub(crate) fn head(&self) -> TokenStream {
        let (fn_token, name_to_parens) = (self.fn_token, self.name_to_parens());
        quote!(#fn_token #name_to_parens)
    }

    /// `name<…>(…)`
    pub(crate) fn name_to_parens(&self) -> TokenStream {
        let (name, generics, parenthesized) = (&self.name, &self.generics, self.parenthesized());
        quote!(#name #generics #parenthesized)
    }

    /// What the context is called, and the arguments behind it, each after a comma.
    pub(crate) fn around_context(&self) -> (TokenStream, TokenStream) {
        let mut arguments = self.arguments.iter().map(|argument| &argument.tokens);
        let first = arguments.next().into_iter().flat_map(Clone::clone);
        let pattern = first.take_while(|token| !is_punct(token, ':')).collect();
        (pattern, quote!(#(, #arguments)*))
    }

    /// Whether every argument could be read as it stands.
    pub(crate) fn is_complete(&self) -> bool {
        !self.mended && self.typed().count() == self.arguments.len()
    }

    /// The lifetimes of its arguments that nothing declares, each once.
    pub(crate) fn undeclared_lifetimes(&self) -> Vec<Lifetime> {
        let mut declared: Vec<String> =
            self.generics.lifetimes().map(|param| param.lifetime.ident.to_string()).collect();
        let mut found = Vec::new();
        for (_, ty) in self.typed().filter(|(argument, _)| !argument.is_plain()) {
            for lifetime in types::undeclared(ty, &declared) {
                if !declared.contains(&lifetime.ident.to_string()) {
                    declared.push(lifetime.ident.to_string());
                    found.push(lifetime);
                }
            }
        }
        found
    }

    /// Whether rustc has refused an argument for its form: then it may be any.
    pub(crate) fn is_half_typed(&self) -> bool {
        self.mended || self.arguments.iter().any(|argument| matches!(argument.kind, ArgumentKind::Unreadable))
    }

    /// Whether each argument that could not be read has no type either: a name alone.
    pub(crate) fn lacks_types_only(&self) -> bool {
        let mut unread =
            self.arguments.iter().filter(|argument| matches!(argument.kind, ArgumentKind::Unreadable));
        !self.mended
            && unread.all(|argument| !argument.tokens.clone().into_iter().any(|token| is_punct(&token, ':')))
    }
}

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
