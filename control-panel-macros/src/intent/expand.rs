//! What the derive becomes: one impl of `Intent`, with a match arm for each variant that has a clock.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Index, Member, Type, WherePredicate, parse_quote};

use super::ast::{Intent, Variant};
use crate::support::{hidden_at, mentions};

/// After an error as well: then without the clocks that could not be read, so that whatever uses the intent
/// is not reported too.
pub(crate) fn intent(intent: &Intent<'_>) -> TokenStream {
    let krate =
        intent.krate.as_ref().map_or_else(|| quote!(::control_panel), |given| given.value.to_token_stream());
    let source = intent
        .source
        .as_ref()
        .map_or_else(|| quote!(#krate::IntentSource), |given| given.value.to_token_stream());
    let name = &intent.input.ident;
    let clock = clock(intent, &krate);

    let mut generics = intent.input.generics.clone();
    if !generics.params.is_empty() {
        let bounds = clock_bounds(intent, &krate);
        let predicates = &mut generics.make_where_clause().predicates;
        predicates.push(parse_quote!(Self: ::core::marker::Send + 'static));
        predicates.extend(bounds);
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Intent for #name #type_generics #where_clause {
            type Source = #source;
            #clock
        }
    }
}

fn clock(intent: &Intent<'_>, krate: &TokenStream) -> Option<TokenStream> {
    let arms: Vec<TokenStream> = intent.variants.iter().filter_map(|variant| arm(variant, krate)).collect();
    if arms.is_empty() {
        return None;
    }
    let rest = (arms.len() < intent.variants.len()).then(|| quote!(_ => ::core::option::Option::None,));
    let deprecated = intent.variants.iter().any(|variant| {
        variant.clock_field.is_some() && variant.attrs.iter().any(|attr| attr.path().is_ident("deprecated"))
    });
    // To read a clock is not to use the variant.
    let allow = deprecated.then(|| quote!(#[allow(deprecated)]));
    Some(quote! {
        #allow
        fn clock(&self) -> ::core::option::Option<u64> {
            match self {
                #(#arms)*
                #rest
            }
        }
    })
}

/// `Self::Remote { lamport: __clock, .. } => <u64 as LogicalClock>::time(__clock),`
///
/// The field's type stands there as the user wrote it, so that all of it is underlined when it is no clock.
/// `Self::Remote { 1: __clock, .. }` is the same for a tuple variant. The name is one that no constant has, as a
/// pattern would take it for that.
fn arm(variant: &Variant<'_>, krate: &TokenStream) -> Option<TokenStream> {
    let (member, ty) = clock_member(variant)?;
    let name = variant.ident;
    let clock = format_ident!("__clock", span = hidden_at(name.span()));
    Some(quote!(Self::#name { #member: #clock, .. } => <#ty as #krate::LogicalClock>::time(#clock),))
}

fn clock_member<'a>(variant: &Variant<'a>) -> Option<(Member, &'a Type)> {
    let nth = variant.clock_field?;
    let field = variant.fields.iter().nth(nth)?;
    let member = field.ident.clone().map_or_else(|| Member::Unnamed(Index::from(nth)), Member::Named);
    Some((member, &field.ty))
}

/// A clock whose type depends on the enum's parameters is one only if they say so.
fn clock_bounds(intent: &Intent<'_>, krate: &TokenStream) -> Vec<WherePredicate> {
    let params: Vec<String> =
        intent.input.generics.type_params().map(|param| param.ident.to_string()).collect();
    let types = intent.variants.iter().filter_map(clock_member).map(|(_, ty)| ty);
    types
        .filter(|ty| mentions(&ty.to_token_stream(), &params))
        .map(|ty| parse_quote!(#ty: #krate::LogicalClock))
        .collect()
}
