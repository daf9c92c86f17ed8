//! A value that is a path or a type.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parse;
use syn::{LitStr, Path, Token, Type, TypePath};

use super::Arg;
use crate::errors::Errors;
use crate::support::{is_punct, readable};

impl Arg {
    /// A path to a value: `Feed::Rss`, `<Update as Home>::SOURCE`.
    pub(crate) fn value_path(&self, errors: &Errors) -> Option<TokenStream> {
        let tokens: Vec<TokenTree> = self.value.clone().into_iter().collect();
        if is_plain_path(&tokens) {
            return Some(self.value.clone());
        }
        if let Some(path) = path_within(&tokens) {
            let shown = readable(&path);
            errors.at(&self.value, format_args!("`{0}` is a path alone; write `{0} = {shown}`", self.key));
            return Some(path);
        }
        if let [path @ .., TokenTree::Group(payload)] = tokens.as_slice()
            && payload.delimiter() != Delimiter::Bracket
            && matches!(path.last(), Some(TokenTree::Ident(_)))
            && path.iter().all(is_of_path)
        {
            let value = readable(&self.value);
            let path: TokenStream = path.iter().cloned().collect();
            let ty = readable(&path);
            // `Feed::Rss()`: a variant without fields, written as a call.
            let name = ty.rsplit("::").next().unwrap_or_default();
            if payload.stream().is_empty() && name.starts_with(char::is_uppercase) {
                errors.at(&self.value, format_args!("`{0}` is a path alone; write `{0} = {ty}`", self.key));
                return Some(path);
            }
            let ty = ty.rsplit_once("::").map_or(ty.as_str(), |(ty, _)| ty);
            errors.at(
                &self.value,
                format_args!(
                    "`{0}` is a path; give this value a name above the function: write `const SOURCE: {ty} = {value};` \
                     and `{0} = SOURCE`",
                    self.key
                ),
            );
            return Some(self.value.clone());
        }
        if tokens.iter().any(|token| is_punct(token, '!')) {
            self.expected(errors, "a path, found a macro");
            return None;
        }
        self.path(errors).map(ToTokens::into_token_stream)
    }

    /// A path to a type: `Feed`.
    pub(crate) fn source_type(&self, errors: &Errors) -> Option<Type> {
        if !matches!(
            syn::parse2(self.value.clone()),
            Ok(Type::Tuple(_) | Type::Array(_) | Type::Reference(_))
        ) {
            return self.type_path(errors).map(Type::Path);
        }
        self.ty(errors)
    }

    fn type_path(&self, errors: &Errors) -> Option<TypePath> {
        let mut path = self.path(errors)?;
        let names: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let ([.., ty, variant], None) = (names.as_slice(), &path.qself)
            && ty.starts_with(char::is_uppercase)
            && ty != "Self"
        {
            let variant = variant.clone();
            let written = path.to_token_stream();
            path.path.segments.pop();
            path.path.segments.pop_punct();
            let ty = readable(&path.to_token_stream());
            errors.at(
                written,
                format_args!(
                    "`{0}` is a type, and `{variant}` is a value of it; write `{0} = {ty}`",
                    self.key
                ),
            );
        }
        Some(path)
    }

    fn path(&self, errors: &Errors) -> Option<TypePath> {
        if self.quoted(errors) {
            // What the quotes hold is what was meant, so the item is expanded with it.
            return syn::parse2::<LitStr>(self.value.clone()).ok()?.parse().ok();
        }
        self.read(errors, TypePath::parse, "a path")
    }

    /// A type: `Vec<Ask>`.
    pub(crate) fn ty(&self, errors: &Errors) -> Option<Type> {
        if self.quoted(errors) {
            return syn::parse2::<LitStr>(self.value.clone()).ok()?.parse().ok();
        }
        self.read(errors, Type::parse, "a type")
    }

    /// `::renamed` or `crate::module`: what resolves alike wherever the macro is used.
    pub(crate) fn crate_path(&self, errors: &Errors) -> Option<Path> {
        let quoted = self.value.to_string().starts_with('"');
        let mut path = self.path(errors)?.path;
        let first = path.segments.first()?.ident.to_string();
        if path.segments.iter().any(|segment| !segment.arguments.is_none()) {
            for segment in &mut path.segments {
                segment.arguments = syn::PathArguments::None;
            }
            let plain = readable(&path.to_token_stream());
            errors.at(&self.value, format_args!("`crate` is a path alone; write `crate = {plain}`"));
        }
        if path.leading_colon.is_some() || first == "crate" || first == "$crate" {
            return Some(path);
        }
        let text = readable(&path.to_token_stream());
        if first == "super" || first == "self" {
            let rest = text.trim_start_matches("self::").trim_start_matches("super::");
            if rest == "super" || rest == "self" {
                // A module that is not named.
                errors.at(
                    &path,
                    "`crate` needs a path that means the same everywhere; write `crate = crate`, or `crate = crate::module`",
                );
            } else if !quoted {
                errors.at(
                    &path,
                    format_args!(
                        "`crate` needs a path that means the same everywhere; write `crate = crate::{rest}`, from the root of \
                         this crate"
                    ),
                );
            }
            // It does mean something where it stands.
            return Some(path);
        }
        if !quoted {
            errors.at(
                &path,
                format_args!(
                    "`crate` needs a path that means the same everywhere; write `crate = ::{text}` for a dependency or \
                     `crate = crate::{text}` for a module of this crate"
                ),
            );
        }
        path.leading_colon = Some(<Token![::]>::default());
        Some(path)
    }
}

/// `Feed::Rss`: most are, and to read one costs each build.
fn is_plain_path(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Ident(ty), first, second, TokenTree::Ident(value)] = tokens else { return false };
    let in_capitals = |word: &Ident| word.to_string().starts_with(char::is_uppercase);
    is_punct(first, ':') && is_punct(second, ':') && in_capitals(ty) && in_capitals(value)
}

/// A word or a colon.
fn is_of_path(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(word) if word != "if" && word != "match") || is_punct(token, ':')
}

/// The path of `&Feed::Rss`, of `{ Feed::Rss }` and of `Feed::Rss.clone()`.
fn path_within(tokens: &[TokenTree]) -> Option<TokenStream> {
    if let [TokenTree::Group(group)] = tokens {
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        let is_path = inner.iter().all(is_of_path) && matches!(inner.last(), Some(TokenTree::Ident(_)));
        return if is_path { Some(group.stream()) } else { path_within(&inner) };
    }
    let start = tokens.iter().take_while(|token| is_punct(token, '&') || is_punct(token, '*')).count();
    let path: Vec<&TokenTree> = tokens[start..].iter().take_while(|token| is_of_path(token)).collect();
    let rest = &tokens[start + path.len()..];
    let more = match rest {
        [] => start > 0,
        [dot, TokenTree::Ident(_), TokenTree::Group(_)] => is_punct(dot, '.'),
        _ => false,
    };
    let whole = matches!(path.last(), Some(TokenTree::Ident(_)));
    (more && whole).then(|| path.into_iter().cloned().collect())
}
