//! What the derive becomes: one impl of `Intent`, with a match arm for each variant that a key says something
//! of, and an impl of `From` for each `from`.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Index, Member, Type, WherePredicate, parse_quote};

use super::ast::{Intent, Variant};
use super::field::{CLOCK, LATEST, ORIGIN, ROLES, Role};
use crate::support::{hidden_at, mentions, plain, shown_at};

/// After an error as well: then without what could not be read, so that whatever uses the intent is not
/// reported too.
pub(crate) fn intent(intent: &Intent<'_>) -> TokenStream {
    let krate = &intent.home;
    let source = intent
        .source
        .as_ref()
        .map_or_else(|| quote!(#krate::IntentSource), |given| given.value.to_token_stream());
    let name = &intent.input.ident;
    let variants = variants(intent, krate);
    let clock = read_by(intent, &CLOCK, krate);
    let origin = read_by(intent, &ORIGIN, krate);
    let delivery = delivery(intent, krate);
    let from = intent.variants.iter().filter_map(|variant| from(intent, variant));

    let mut generics = intent.input.generics.clone();
    if !generics.params.is_empty() {
        let bounds = bounds(intent, krate);
        let predicates = &mut generics.make_where_clause().predicates;
        predicates.push(parse_quote!(Self: ::core::marker::Send + 'static));
        predicates.extend(bounds);
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let allow = allow_deprecated(&intent.variants);
    quote! {
        #allow
        #[automatically_derived]
        impl #impl_generics #krate::Intent for #name #type_generics #where_clause {
            type Source = #source;
            #variants
            #clock
            #origin
            #delivery
        }
        #(#from)*
    }
}

/// To speak of a variant here is not to use it.
fn allow_deprecated<'a>(variants: impl IntoIterator<Item = &'a Variant<'a>>) -> Option<TokenStream> {
    let deprecated =
        |variant: &Variant<'_>| variant.attrs.iter().any(|attr| attr.path().is_ident("deprecated"));
    variants.into_iter().any(deprecated).then(|| quote!(#[allow(deprecated)]))
}

/// The import of what the expansion calls, and its name. Where a crate is named there is none: that a crate is not there is said of an
/// import and of a path in two ways.
fn helpers(intent: &Intent<'_>) -> (TokenStream, TokenStream) {
    let krate = &intent.home;
    if intent.names_its_crate {
        return (TokenStream::new(), quote!(#krate::__private));
    }
    (quote!(use #krate::__private as __cp;), quote!(__cp))
}

/// The list of the variants, and which of them an intent is. rustc takes away what is `#[cfg]`'d before the
/// derive sees the enum, so the places are those of the variants that there are.
fn variants(intent: &Intent<'_>, krate: &TokenStream) -> Option<TokenStream> {
    let (import, cp) = helpers(intent);
    if intent.variants.is_empty() {
        return None;
    }
    let listed = intent.variants.iter().map(|variant| {
        let kind = match (variant.is_replicated(), &variant.skip) {
            (true, _) => "replicated",
            (false, Some(_)) => "skipped",
            (false, None) => "local",
        };
        let kind = format_ident!("{kind}");
        let name = plain(variant.ident);
        quote!(#cp::#kind(#name),)
    });
    let places = intent.variants.iter().enumerate().map(|(place, variant)| {
        let name = variant.ident;
        let place = Literal::usize_unsuffixed(place);
        quote!(Self::#name { .. } => #place,)
    });
    Some(quote! {
        const VARIANTS: &'static [#krate::Variant] = {
            #import
            &[#(#listed)*]
        };
        fn variant(&self) -> ::core::primitive::usize {
            match self { #(#places)* }
        }
    })
}

/// The method of `Intent` that reads a field: `clock`, `peer`.
fn read_by(intent: &Intent<'_>, role: &Role, krate: &TokenStream) -> Option<TokenStream> {
    let arms = arms(intent, role, krate)?;
    let method = format_ident!("{}", role.of_intent);
    Some(quote! {
        fn #method(&self) -> ::core::option::Option<::core::primitive::u64> {
            match self { #arms }
        }
    })
}

/// What becomes of each variant that is not reliable.
fn delivery(intent: &Intent<'_>, krate: &TokenStream) -> Option<TokenStream> {
    let (import, cp) = helpers(intent);
    let arms = intent.variants.iter().enumerate().filter_map(|(place, variant)| {
        let name = variant.ident;
        let place = Literal::usize_unsuffixed(place);
        if variant.lossy.is_some() {
            return Some(quote!(Self::#name { .. } => #cp::Delivery::Lossy,));
        }
        variant.latest.as_ref()?;
        let (pattern, key) =
            read(variant, &LATEST, krate).unwrap_or_else(|| (quote!(Self::#name { .. }), quote!(0)));
        Some(quote!(#pattern => #cp::latest(#place, #key),))
    });
    let arms: Vec<TokenStream> = arms.collect();
    if arms.is_empty() {
        return None;
    }
    let rest = (arms.len() < intent.variants.len()).then(|| quote!(_ => #cp::Delivery::Reliable,));
    Some(quote! {
        fn delivery(&self) -> #krate::Delivery {
            #import
            match self { #(#arms)* #rest }
        }
    })
}

/// An arm for each variant that names a field for this, and one for the rest.
fn arms(intent: &Intent<'_>, role: &Role, krate: &TokenStream) -> Option<TokenStream> {
    let arms = intent.variants.iter().filter_map(|variant| {
        let (pattern, read) = read(variant, role, krate)?;
        Some(quote!(#pattern => #read,))
    });
    let arms: Vec<TokenStream> = arms.collect();
    if arms.is_empty() {
        return None;
    }
    let rest = (arms.len() < intent.variants.len()).then(|| quote!(_ => ::core::option::Option::None,));
    Some(quote!(#(#arms)* #rest))
}

/// `Self::Remote { lamport: __field, .. }` and `<u64 as LogicalClock>::time(__field)`
///
/// The field's type stands there as the user wrote it, so that all of it is underlined when it is no clock.
/// `Self::Remote { 1: __field, .. }` is the same for a tuple variant. The name is one that no constant has, as a
/// pattern would take it for that.
fn read(variant: &Variant<'_>, role: &Role, krate: &TokenStream) -> Option<(TokenStream, TokenStream)> {
    let (member, ty) = member(variant, role)?;
    let name = variant.ident;
    let field = format_ident!("__field", span = hidden_at(name.span()));
    let (interface, method) = (format_ident!("{}", role.interface), format_ident!("{}", role.method));
    let pattern = quote!(Self::#name { #member: #field, .. });
    Some((pattern, quote!(<#ty as #krate::#interface>::#method(#field))))
}

fn member<'a>(variant: &Variant<'a>, role: &Role) -> Option<(Member, &'a Type)> {
    let named = variant.named(role)?;
    let nth = named.field?;
    let field = variant.fields.iter().nth(nth)?;
    // The key's own token, so that an editor goes from it to the field, and renames both.
    let span = named.arg.value.clone().into_iter().next().map(|token| token.span());
    let span = span.unwrap_or_else(|| variant.ident.span());
    let member = match &field.ident {
        Some(name) => {
            let mut name = name.clone();
            name.set_span(span);
            Member::Named(name)
        }
        None => Member::Unnamed(Index { index: u32::try_from(nth).ok()?, span }),
    };
    Some((member, &field.ty))
}

/// A type that depends on the enum's parameters can be read only if they say so.
fn bounds(intent: &Intent<'_>, krate: &TokenStream) -> Vec<WherePredicate> {
    let params: Vec<String> =
        intent.input.generics.type_params().map(|param| param.ident.to_string()).collect();
    let bound = |variant, role: &Role| {
        let (_, ty) = member(variant, role)?;
        let interface = format_ident!("{}", role.interface);
        mentions(&ty.to_token_stream(), &params).then(|| parse_quote!(#ty: #krate::#interface))
    };
    let bounds =
        intent.variants.iter().flat_map(|variant| ROLES.iter().filter_map(move |role| bound(variant, role)));
    bounds.collect()
}

/// `impl From<MemoryPressure> for Update`, so that a built-in worker can make the intent.
///
/// Its head is shown at the key, where rustc then points if two such types turn out to be one.
fn from(intent: &Intent<'_>, variant: &Variant<'_>) -> Option<TokenStream> {
    let key = variant.from.as_ref()?.key.span();
    let field = variant.fields.iter().next()?;
    let (ty, variant_name) = (&field.ty, variant.ident);
    let value = format_ident!("value", span = hidden_at(variant_name.span()));
    let filled = field.ident.as_ref().map_or_else(|| quote!((#value)), |field| quote!({ #field: #value }));
    let name = &intent.input.ident;
    let (impl_generics, type_generics, where_clause) = intent.input.generics.split_for_impl();
    let keyword = quote_spanned!(hidden_at(key)=> impl);
    let target = shown_at(quote!(#name #type_generics), (key, key));
    let allow = allow_deprecated([variant]);
    Some(quote! {
        #allow
        #[automatically_derived]
        #keyword #impl_generics ::core::convert::From<#ty> for #target #where_clause {
            fn from(#value: #ty) -> Self {
                Self::#variant_name #filled
            }
        }
    })
}
