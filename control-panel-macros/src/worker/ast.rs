//! A worker's function as it was read: its signature in parts, and the body as it came.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, Generics, Lifetime, LitStr, Token, Visibility, token};

use super::types;
use crate::support::is_punct;

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
