//! What a type says about the context: whether it is one, holds one, or is one with a mistake in it.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, Lifetime, PathArguments, Type};

use super::look::is_plain;
use super::types::read;
use crate::support::{Angles, is_punct};

/// `Context<…>`, bare or as `control_panel::Context<…>`. Another crate's `Context` is not meant, nor is
/// `std::task::Context<'_>`; an alias cannot be seen here, and need not be.
pub(crate) fn is_context(ty: &TokenStream, plain: bool) -> bool {
    if plain {
        return is_plain_context(ty);
    }
    let Some(Type::Path(ty)) = read(ty) else { return false };
    let segments = &ty.path.segments;
    let ours = segments.len() == 1 || segments.iter().any(|segment| segment.ident == "control_panel");
    let Some(last) = segments.last().filter(|last| ours && last.ident == "Context") else { return false };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return false };
    arguments.args.iter().all(|argument| matches!(argument, GenericArgument::Type(_)))
}

/// The same of what [`is_plain`], token by token.
fn is_plain_context(ty: &TokenStream) -> bool {
    let (mut angles, mut closed) = (Angles::default(), false);
    let (mut names, mut ours, mut last) = (0, false, false);
    for token in ty.clone() {
        if closed {
            // `Context<…>::Of`
            return false;
        }
        let open = !angles.closed();
        angles.see(&token);
        match &token {
            TokenTree::Ident(name) if !open => {
                (names, ours, last) = (names + 1, ours || name == "control_panel", name == "Context");
            }
            _ => closed = open && angles.closed(),
        }
    }
    closed && last && (names == 1 || ours)
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
    match read(ty) {
        Some(
            Type::Tuple(_)
            | Type::Array(_)
            | Type::Slice(_)
            | Type::Ptr(_)
            | Type::FnPtr(_)
            | Type::TraitObject(_),
        ) => true,
        Some(Type::Path(path)) => {
            let last = path.path.segments.last();
            polls(ty) || last.is_some_and(|last| KNOWN.iter().any(|known| last.ident == known))
        }
        _ => false,
    }
}

/// The context in `Arc<Context<Update>>` or `(Context<Update>, u8)`.
pub(crate) fn context_within(ty: &TokenStream) -> Option<TokenStream> {
    fn walk(ty: &Type) -> Option<TokenStream> {
        let tokens = ty.to_token_stream();
        if is_context(&tokens, is_plain(&tokens)) {
            return Some(tokens);
        }
        match ty {
            Type::Tuple(ty) => ty.elems.iter().find_map(walk),
            Type::Path(ty) => ty.path.segments.iter().find_map(|segment| {
                let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
                arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::Type(ty) => walk(ty),
                    _ => None,
                })
            }),
            _ => None,
        }
    }
    if is_context(ty, is_plain(ty)) { None } else { walk(&read(ty)?) }
}

/// `Context<Update, ()>` for a `Context<(), Update>`, with the `()` to point at.
pub(crate) fn swapped(ty: &TokenStream) -> Option<(Type, TokenStream)> {
    if is_plain(ty) {
        return None;
    }
    let Some(Type::Path(mut ty)) = read(ty) else { return None };
    let PathArguments::AngleBracketed(arguments) = &mut ty.path.segments.last_mut()?.arguments else {
        return None;
    };
    let args: Vec<GenericArgument> = arguments.args.iter().cloned().collect();
    let [first @ GenericArgument::Type(Type::Tuple(unit)), intent @ GenericArgument::Type(Type::Path(_))] =
        &args[..]
    else {
        return None;
    };
    let unit = Type::Tuple(unit.clone());
    arguments.args = [intent.clone(), first.clone()].into_iter().collect();
    Some((unit, ty.to_token_stream()))
}

/// `std::task::Context<'_>`
pub(crate) fn polls(ty: &TokenStream) -> bool {
    if is_plain(ty) {
        return false;
    }
    let Some(Type::Path(ty)) = read(ty) else { return false };
    ty.path.segments.last().is_some_and(|last| {
        last.ident == "Context"
            && matches!(&last.arguments, PathArguments::AngleBracketed(arguments)
                if arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Lifetime(_))))
    })
}

/// The lifetimes that the type names, such as the `'static` of `Context<Update<'static>>`.
pub(crate) fn lifetimes(ty: &TokenStream) -> Vec<Lifetime> {
    fn walk(ty: &Type, found: &mut Vec<Lifetime>) {
        let Type::Path(ty) = ty else { return };
        for segment in &ty.path.segments {
            let PathArguments::AngleBracketed(arguments) = &segment.arguments else { continue };
            for argument in &arguments.args {
                match argument {
                    GenericArgument::Lifetime(lifetime) => found.push(lifetime.clone()),
                    GenericArgument::Type(ty) => walk(ty, found),
                    _ => {}
                }
            }
        }
    }
    let mut found = Vec::new();
    if !is_plain(ty)
        && let Some(ty) = read(ty)
    {
        walk(&ty, &mut found);
    }
    found
}

/// Whether the type leaves something to inference: a `_` that is no `'_`.
pub(crate) fn has_placeholder(ty: &TokenStream) -> bool {
    let mut of_lifetime = false;
    ty.clone().into_iter().any(|token| {
        let found = match &token {
            TokenTree::Group(group) => has_placeholder(&group.stream()),
            TokenTree::Ident(word) => word == "_" && !of_lifetime,
            _ => false,
        };
        of_lifetime = is_punct(&token, '\'');
        found
    })
}

/// The first of the context's arguments, if it is a plain name: the `I` of `Context<I, P>`.
pub(crate) fn intent_name(ty: Option<&TokenStream>) -> Option<Ident> {
    let Some(Type::Path(ty)) = read(ty?) else { return None };
    let PathArguments::AngleBracketed(arguments) = &ty.path.segments.last()?.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(Type::Path(ty)) if ty.qself.is_none() => ty.path.get_ident().cloned(),
        _ => None,
    }
}
