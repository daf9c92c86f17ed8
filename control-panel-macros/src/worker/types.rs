//! What an argument's type says about borrowing, and what a plain `fn` returns.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    GenericArgument, Lifetime, Path, PathArguments, Token, Type, TypeImplTrait, TypeParamBound, TypePath,
    TypeReference,
};

use super::context;
use super::look::{Look, UNSIZED, is_plain};
use crate::support::{mentions, readable, see_through};

/// Why a type cannot be a worker's argument, with the token to point at.
pub(crate) enum Flaw {
    /// `&T`, and what to write instead.
    Borrow(Token![&], String),
    /// `'_`
    Elided(Lifetime),
    Impl(TypeImplTrait),
    /// `str`, and what to write instead.
    Unsized(String),
    /// The `str` of a `Vec<str>`, and what to write instead.
    UnsizedWithin(Type, String),
    /// `Rc<T>`, and what to write instead.
    NotSend(TypePath, String),
}

/// The type, read through what a `macro_rules!` wraps its captures in.
pub(super) fn read(ty: &TokenStream) -> Option<Type> {
    syn::parse2(see_through(ty.clone())).ok()
}

/// The lifetimes that the type names and nothing declares: neither `declared` nor a `for<'a>` in it.
pub(super) fn undeclared(ty: &TokenStream, declared: &[String]) -> Vec<Lifetime> {
    fn named(tokens: &TokenStream, found: &mut Vec<Lifetime>) {
        let mut after_quote = None;
        for token in tokens.clone() {
            match (&token, after_quote.take()) {
                (TokenTree::Ident(name), Some(apostrophe)) => {
                    found.push(Lifetime { apostrophe, ident: name.clone() });
                }
                (TokenTree::Punct(sign), _) if sign.as_char() == '\'' => after_quote = Some(sign.span()),
                (TokenTree::Group(group), _) => named(&group.stream(), found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    if is_plain(ty) || mentions(ty, &["for".to_owned()]) {
        return found;
    }
    named(ty, &mut found);
    found.retain(|lifetime| {
        let name = lifetime.ident.to_string();
        name != "static" && name != "_" && !declared.contains(&name)
    });
    found
}

/// A type that syn cannot read has no flaw that we know of; rustc will say.
pub(crate) fn flaws(ty: &TokenStream) -> Vec<Flaw> {
    let mut found = Vec::new();
    if is_plain(ty) {
        return found;
    }
    let Some(ty) = read(ty) else { return found };
    if is_never_sized_type(&ty) {
        found.push(Flaw::Unsized(owned(&ty)));
    } else {
        walk(&ty, &mut found);
    }
    found
}

/// `str`, `[u8]`, `dyn Trait`
fn is_never_sized_type(ty: &Type) -> bool {
    match ty {
        Type::Slice(_) | Type::TraitObject(_) => true,
        Type::Path(path) => is_unsized(&path.path),
        Type::Group(ty) => is_never_sized_type(&ty.elem),
        Type::Paren(ty) => is_never_sized_type(&ty.elem),
        _ => false,
    }
}

/// The same of tokens.
pub(crate) fn is_never_sized(ty: &TokenStream) -> bool {
    Look::at(ty).unusual && read(ty).is_some_and(|ty| is_never_sized_type(&ty))
}

/// The types in this one that have to be of a known size: those of a tuple, an array, a `Vec`.
fn held(ty: &mut Type) -> Vec<&mut Type> {
    const HOLDERS: [&str; 10] = [
        "Vec",
        "VecDeque",
        "LinkedList",
        "BinaryHeap",
        "Option",
        "Result",
        "HashMap",
        "HashSet",
        "BTreeMap",
        "BTreeSet",
    ];
    match ty {
        Type::Tuple(ty) => ty.elems.iter_mut().collect(),
        Type::Array(ty) => vec![&mut *ty.elem],
        Type::Path(ty) => match ty.path.segments.last_mut() {
            Some(last) if HOLDERS.iter().any(|holder| last.ident == holder) => match &mut last.arguments {
                PathArguments::AngleBracketed(arguments) => {
                    let types = arguments.args.iter_mut().filter_map(|argument| match argument {
                        GenericArgument::Type(ty) => Some(ty),
                        _ => None,
                    });
                    types.collect()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The type with each that has no known size as what is owned instead: for a function that is only to be compiled.
pub(crate) fn sized(ty: &TokenStream) -> Option<TokenStream> {
    fn replace(ty: &mut Type) -> bool {
        if is_never_sized_type(ty) {
            let owned = owned(ty);
            let owned = owned.split('`').nth(1).and_then(|owned| syn::parse_str(owned).ok());
            return owned.map(|owned| *ty = owned).is_some();
        }
        // Each is replaced, not only the first.
        held(ty).into_iter().map(replace).fold(false, |any, one| any | one)
    }
    if is_plain(ty) {
        return None;
    }
    let mut ty = read(ty)?;
    replace(&mut ty).then(|| ty.to_token_stream())
}

/// Named lifetimes are left out: where they are declared they are reported, once. So is what stands in the
/// parentheses of `fn(&str)` and `Fn(&str)`, which borrows nothing when the worker is spawned.
fn walk(ty: &Type, found: &mut Vec<Flaw>) {
    for ty in held(&mut ty.clone()) {
        if is_never_sized_type(ty) {
            found.push(Flaw::UnsizedWithin(ty.clone(), owned(ty)));
        }
    }
    match ty {
        Type::Reference(reference) => walk_reference(reference, found),
        Type::Path(ty) => {
            if let Some(qself) = &ty.qself {
                walk(&qself.ty, found);
            }
            if let Some(arc) = arc_for(ty) {
                found.push(Flaw::NotSend(ty.clone(), arc));
            }
            walk_path(&ty.path, found);
        }
        Type::ImplTrait(ty) => found.push(Flaw::Impl(ty.clone())),
        Type::TraitObject(ty) => walk_bounds(&ty.bounds, found),
        Type::Tuple(ty) => ty.elems.iter().for_each(|elem| walk(elem, found)),
        Type::Array(ty) => walk(&ty.elem, found),
        Type::Slice(ty) => walk(&ty.elem, found),
        Type::Paren(ty) => walk(&ty.elem, found),
        Type::Group(ty) => walk(&ty.elem, found),
        _ => {}
    }
}

fn walk_reference(reference: &TypeReference, found: &mut Vec<Flaw>) {
    match &reference.lifetime {
        Some(lifetime) if lifetime.ident != "_" => walk(&reference.elem, found),
        _ => found.push(Flaw::Borrow(reference.and_token, owned(&reference.elem))),
    }
}

fn walk_path(path: &Path, found: &mut Vec<Flaw>) {
    for segment in &path.segments {
        let PathArguments::AngleBracketed(arguments) = &segment.arguments else { continue };
        for argument in &arguments.args {
            match argument {
                GenericArgument::Lifetime(lifetime) => walk_lifetime(lifetime, found),
                GenericArgument::Type(ty) => walk(ty, found),
                GenericArgument::AssocType(assoc) => walk(&assoc.ty, found),
                _ => {}
            }
        }
    }
}

fn walk_bounds(bounds: &Punctuated<TypeParamBound, Token![+]>, found: &mut Vec<Flaw>) {
    for bound in bounds {
        match bound {
            TypeParamBound::Trait(bound) => walk_path(&bound.path, found),
            TypeParamBound::Lifetime(lifetime) => walk_lifetime(lifetime, found),
            _ => {}
        }
    }
}

fn walk_lifetime(lifetime: &Lifetime, found: &mut Vec<Flaw>) {
    if lifetime.ident == "_" {
        found.push(Flaw::Elided(lifetime.clone()));
    }
}

/// `Arc<T>` for an `Rc<T>`.
fn arc_for(ty: &TypePath) -> Option<String> {
    let last = ty.path.segments.last().filter(|last| last.ident == "Rc")?;
    Some(format!("`std::sync::Arc{}`", readable(&last.arguments.to_token_stream())))
}

/// `str`, and what the standard library has like it. A `Path` by its last name alone may be another one.
fn is_unsized(path: &Path) -> bool {
    let Some(last) = path.segments.last() else { return false };
    let of_std = path.segments.len() > 1 && path.segments.iter().any(|segment| segment.ident == "path");
    UNSIZED.iter().any(|name| last.ident == name) && (last.ident != "Path" || of_std)
}

/// `Box<dyn Trait>` for an `impl Trait`, which can be sent to another thread.
pub(crate) fn boxed(ty: &TypeImplTrait) -> String {
    let bounds = readable(&ty.bounds.to_token_stream());
    let send = if mentions(&ty.bounds.to_token_stream(), &["Send".to_owned()]) { "" } else { " + Send" };
    format!("`Box<dyn {bounds}{send}>`")
}

fn is_context(ty: &Type) -> bool {
    let tokens = ty.to_token_stream();
    context::is_context(&tokens, is_plain(&tokens))
}

/// The owned type that people mean when they borrow `elem`.
pub(crate) fn owned(elem: &Type) -> String {
    let text = readable(&elem.to_token_stream());
    match (elem, text.as_str()) {
        (_, "str") => "`String`".to_owned(),
        (Type::Path(path), _) if is_unsized(&path.path) || text == "Path" => {
            let (path, last) = text.rsplit_once("::").map_or(("", &*text), |(path, last)| (path, last));
            let colons = if path.is_empty() { "" } else { "::" };
            let owned =
                last.replace("Path", "PathBuf").replace("OsStr", "OsString").replace("CStr", "CString");
            format!("`{path}{colons}{owned}`")
        }
        (Type::Slice(slice), _) => format!("`Vec<{}>`", readable(&slice.elem.to_token_stream())),
        (Type::TraitObject(ty), _) => {
            // What only borrows is sent to the worker's thread as well.
            let send =
                if mentions(&ty.bounds.to_token_stream(), &["Send".to_owned()]) { "" } else { " + Send" };
            format!("`Box<{text}{send}>`")
        }
        // `&&str`
        (Type::Reference(reference), _) => owned(&reference.elem),
        (Type::Path(_), _) if is_context(elem) => format!("`{text}`"),
        _ => format!("`{text}` or `Arc<{text}>`"),
    }
}

/// Whether the type names this parameter.
pub(crate) fn names(ty: Option<&TokenStream>, param: &Ident) -> bool {
    ty.is_some_and(|ty| mentions(ty, &[param.to_string()]))
}

/// What a future is in the type of a plain `fn`: `impl Future<Output = T>` and its `T`, or a box that holds one.
pub(crate) enum FutureType {
    Impl(Option<TokenStream>),
    Boxed,
}

pub(crate) fn future(ty: &TokenStream) -> Option<FutureType> {
    match read(ty)? {
        Type::ImplTrait(ty) => {
            let future = ty.bounds.iter().find_map(|bound| match bound {
                TypeParamBound::Trait(bound) => {
                    bound.path.segments.last().filter(|last| last.ident == "Future")
                }
                _ => None,
            })?;
            let PathArguments::AngleBracketed(arguments) = &future.arguments else {
                return Some(FutureType::Impl(None));
            };
            let output = arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::AssocType(assoc) => Some(assoc.ty.to_token_stream()),
                _ => None,
            });
            Some(FutureType::Impl(output))
        }
        ty @ Type::Path(_) => {
            let words = ["Future", "BoxFuture", "LocalBoxFuture"].map(str::to_owned);
            mentions(&ty.to_token_stream(), &words).then_some(FutureType::Boxed)
        }
        _ => None,
    }
}
