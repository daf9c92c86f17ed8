//! What an argument's type says about borrowing and about the context.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{GenericArgument, Lifetime, Path, PathArguments, Token, Type, TypeParamBound, TypeReference};

use crate::support::readable;

/// Why a type cannot be a worker's argument, with the token to point at.
pub(crate) enum Flaw {
    /// `&T`, and what to write instead.
    Borrow(Token![&], String),
    /// `'_`
    Elided(Lifetime),
    Impl(Token![impl]),
}

/// A type that syn cannot read has no flaw that we know of; rustc will say.
pub(crate) fn flaws(ty: &TokenStream) -> Vec<Flaw> {
    let mut found = Vec::new();
    if let Ok(ty) = syn::parse2::<Type>(ty.clone()) {
        walk(&ty, &mut found);
    }
    found
}

/// Named lifetimes are left out: where they are declared they are reported, once. So is what stands in the
/// parentheses of `fn(&str)` and `Fn(&str)`, which borrows nothing when the worker is spawned.
fn walk(ty: &Type, found: &mut Vec<Flaw>) {
    match ty {
        Type::Reference(reference) => walk_reference(reference, found),
        Type::Path(ty) => {
            if let Some(qself) = &ty.qself {
                walk(&qself.ty, found);
            }
            walk_path(&ty.path, found);
        }
        Type::ImplTrait(ty) => found.push(Flaw::Impl(ty.impl_token)),
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

/// The owned type that people mean when they borrow `elem`.
pub(crate) fn owned(elem: &Type) -> String {
    let text = readable(&elem.to_token_stream());
    match (elem, text.as_str()) {
        (_, "str") => "`String`".to_owned(),
        (_, "Path") => "`PathBuf`".to_owned(),
        (Type::Slice(slice), _) => format!("`Vec<{}>`", readable(&slice.elem.to_token_stream())),
        (Type::TraitObject(_), _) => format!("`Box<{text}>`"),
        (Type::Path(_), _) if is_context(&elem.to_token_stream()) => format!("`{text}`"),
        _ => format!("`{text}` or `Arc<{text}>`"),
    }
}

/// `Context<…>`, bare or as `control_panel::Context<…>`. Another crate's `Context` is not meant, nor is
/// `std::task::Context<'_>`; an alias cannot be seen here, and need not be.
pub(crate) fn is_context(ty: &TokenStream) -> bool {
    let Ok(Type::Path(ty)) = syn::parse2::<Type>(ty.clone()) else { return false };
    let segments = &ty.path.segments;
    let ours = segments.len() == 1 || segments.iter().any(|segment| segment.ident == "control_panel");
    let Some(last) = segments.last().filter(|last| ours && last.ident == "Context") else { return false };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    arguments.args.iter().all(|argument| matches!(argument, GenericArgument::Type(_)))
}

/// Whether a type is well known to be something else than a context or an alias of one. For the rest rustc
/// has to say it, in more words.
pub(crate) fn is_never_a_context(ty: &TokenStream) -> bool {
    const KNOWN: [&str; 35] = [
        "bool",
        "char",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "f32",
        "f64",
        "String",
        "PathBuf",
        "Vec",
        "VecDeque",
        "HashMap",
        "HashSet",
        "BTreeMap",
        "BTreeSet",
        "Option",
        "Result",
        "Box",
        "Rc",
        "Arc",
        "Duration",
        "Instant",
        "Sender",
        "Receiver",
        "IntentSender",
        "PolicyWatch",
    ];
    match syn::parse2::<Type>(ty.clone()) {
        Ok(
            Type::Tuple(_)
            | Type::Array(_)
            | Type::Slice(_)
            | Type::Ptr(_)
            | Type::FnPtr(_)
            | Type::TraitObject(_),
        ) => true,
        Ok(Type::Path(ty)) => ty.path.segments.last().is_some_and(|last| {
            // `std::task::Context<'_>`
            let polls = last.ident == "Context"
                && matches!(&last.arguments, PathArguments::AngleBracketed(arguments)
                    if arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Lifetime(_))));
            polls || KNOWN.iter().any(|known| last.ident == known)
        }),
        _ => false,
    }
}

/// The arguments of the type's last segment that are plain names: the `I` and `P` of `Context<I, P>`.
pub(crate) fn plain_arguments(ty: Option<&TokenStream>) -> Vec<Ident> {
    let ty = ty.and_then(|ty| syn::parse2::<Type>(ty.clone()).ok());
    let Some(Type::Path(ty)) = ty else { return Vec::new() };
    let Some(last) = ty.path.segments.last() else { return Vec::new() };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Vec::new() };
    let name = |argument: &GenericArgument| match argument {
        GenericArgument::Type(Type::Path(ty)) if ty.qself.is_none() => ty.path.get_ident().cloned(),
        _ => None,
    };
    arguments.args.iter().filter_map(name).collect()
}
