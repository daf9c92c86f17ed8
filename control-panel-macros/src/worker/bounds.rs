//! The bounds of a `where` clause, written where a worker's parameters are declared.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    AngleBracketedGenericArguments, Constraint, GenericArgument, GenericParam, Path, PathArguments,
    PredicateType, Token, Type, TypeParam, TypeParamBound, WhereClause, WherePredicate,
};

use super::ast::Function;
use crate::support::readable;

/// Each parameter with its bounds, and the predicates that fit none.
pub(super) fn inside(function: &Function) -> (Vec<String>, Vec<String>) {
    let clause = syn::parse2::<WhereClause>(function.where_clause.clone()).ok();
    let predicates: Vec<WherePredicate> = clause.into_iter().flat_map(|clause| clause.predicates).collect();
    let mut params: Vec<GenericParam> = function.generics.params.iter().cloned().collect();
    // Those of a parameter come first: what is asked of an associated type stands in one of them.
    let (of_params, others): (Vec<_>, Vec<_>) = predicates.into_iter().partition(is_of_name);
    let mut left = Vec::new();
    for predicate in of_params.into_iter().chain(others) {
        if !types(&mut params).any(|param| takes(param, &predicate)) {
            left.push(readable(&predicate.to_token_stream()));
        }
    }
    (params.iter().map(|param| readable(&param.to_token_stream())).collect(), left)
}

fn types(params: &mut [GenericParam]) -> impl Iterator<Item = &mut TypeParam> {
    params.iter_mut().filter_map(|param| match param {
        GenericParam::Type(param) => Some(param),
        _ => None,
    })
}

fn is_of_name(predicate: &WherePredicate) -> bool {
    matches!(predicate, WherePredicate::Type(PredicateType { bounded_ty: Type::Path(ty), .. })
        if ty.qself.is_none() && ty.path.get_ident().is_some())
}

/// Whether the parameter took the predicate over.
fn takes(param: &mut TypeParam, predicate: &WherePredicate) -> bool {
    let WherePredicate::Type(predicate) = predicate else { return false };
    let Type::Path(ty) = &predicate.bounded_ty else { return false };
    let segments: Vec<&Ident> = ty.path.segments.iter().map(|segment| &segment.ident).collect();
    let is_param = |ty: &Type| matches!(ty, Type::Path(ty) if ty.path.is_ident(&param.ident));
    let (of_trait, name) = match (&ty.qself, segments.as_slice()) {
        (None, [name]) if **name == param.ident => {
            add(&mut param.bounds, predicate);
            return true;
        }
        (None, [name, associated]) if **name == param.ident => (None, *associated),
        (Some(of), [path @ .., associated]) if is_param(&of.ty) => (path.last().copied(), *associated),
        _ => return false,
    };
    let bounds: Vec<&mut Path> = param
        .bounds
        .iter_mut()
        .filter_map(|bound| match bound {
            TypeParamBound::Trait(bound) if !is_marker(&bound.path) => Some(&mut bound.path),
            _ => None,
        })
        .collect();
    // `I::Source` is that of the only bound, or of the one that is known to have it.
    let only = bounds.len() == 1;
    let meant = bounds.into_iter().find(|path| {
        let last = path.segments.last().map(|segment| &segment.ident);
        match of_trait {
            Some(of_trait) => last == Some(of_trait),
            None => only || (name == "Source" && last.is_some_and(|last| last == "Intent")),
        }
    });
    meant.is_some_and(|path| constrain(path, name, predicate))
}

/// One that has no associated type.
fn is_marker(path: &Path) -> bool {
    ["Send", "Sync", "Sized", "Unpin", "Copy", "Clone"].iter().any(|name| path.is_ident(name))
}

/// `for<'a> I: Reads<'a>` becomes `I: for<'a> Reads<'a>`.
fn add(bounds: &mut Punctuated<TypeParamBound, Token![+]>, predicate: &PredicateType) {
    bounds.extend(predicate.bounds.iter().cloned().map(|mut bound| {
        if let TypeParamBound::Trait(bound) = &mut bound
            && bound.lifetimes.is_none()
        {
            bound.lifetimes.clone_from(&predicate.lifetimes);
        }
        bound
    }));
}

/// `Intent` becomes `Intent<Source: Default>`.
fn constrain(path: &mut Path, name: &Ident, predicate: &PredicateType) -> bool {
    let Some(last) = path.segments.last_mut() else { return false };
    let mut bounds = Punctuated::new();
    add(&mut bounds, predicate);
    if let PathArguments::None = last.arguments {
        last.arguments = PathArguments::AngleBracketed(AngleBracketedGenericArguments {
            colon2_token: None,
            lt_token: Token![<](name.span()),
            args: Punctuated::new(),
            gt_token: Token![>](name.span()),
        });
    }
    let PathArguments::AngleBracketed(arguments) = &mut last.arguments else { return false };
    let twice = arguments.args.iter().any(|argument| match argument {
        GenericArgument::Constraint(constraint) => constraint.ident == *name,
        GenericArgument::AssocType(assoc) => assoc.ident == *name,
        _ => false,
    });
    if !twice {
        let colon_token = Token![:](name.span());
        let constraint = Constraint { ident: name.clone(), generics: None, colon_token, bounds };
        arguments.args.push(GenericArgument::Constraint(constraint));
    }
    !twice
}
