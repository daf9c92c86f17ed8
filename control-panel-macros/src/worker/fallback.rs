//! What `#[worker]` leaves after an error: the function, as far as it can stand by itself, and a spawn method that takes its
//! arguments, so that what calls it is not reported as well.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericParam, Generics, LifetimeParam};

use super::ast::{Argument, ArgumentKind, Function};
use super::body;
use super::check;
use super::context;
use super::expand::Names;
use super::options::Options;
use super::types;
use crate::errors::Errors;
use crate::support::{is_punct, mentions};

/// The item as it came, beside the errors.
pub(crate) fn untouched(item: &TokenStream, options: &Options, errors: Errors) -> TokenStream {
    if errors.is_empty() {
        // Half typed: rustc reads it again and says what is missing.
        errors.into_tokens();
        return item.clone();
    }
    let errors = errors.into_tokens();
    let used = used(options);
    let used = quote!(#[allow(warnings)] const _: fn() = || { #used };);
    quote!(#item #errors #used)
}

/// The trait asks nothing of the context, which may be what is wrong.
pub(crate) fn worker(
    item: &TokenStream,
    function: &Function,
    options: &Options,
    errors: Errors,
) -> TokenStream {
    // What is half typed rustc reports again in the same words at the same place, which is once.
    let as_it_came = errors.is_empty() && !function.is_complete() && function.lacks_types_only();
    let errors = errors.into_tokens();
    let used = used(options);
    if function.has_receiver() {
        // Inside an `impl`, where a trait cannot be.
        let standing = standing(function, Some(&used));
        return quote!(#standing #errors);
    }
    let standing = if as_it_came { item.clone() } else { standing(function, None) };
    let Names { krate, trait_name, method, .. } = Names::new(function, options);
    let vis = &function.vis;
    let generics: Vec<String> = declared(function).params.iter().map(param_name).collect();
    let command = options.inbox.as_ref().map(|given| &given.value);
    let command = command.filter(|ty| !mentions(ty, &generics)).map(|ty| quote!(<#ty>));
    let arguments = body::all_arguments(function).into_iter().map(|(name, ty)| match ty {
        Some(ty) if is_plain(ty, &generics) => quote!(#name: #ty),
        _ => quote!(#name: impl ::core::marker::Sized),
    });
    let arguments: Vec<_> = arguments.collect();
    // By either name, where what the name is to be is what is wrong.
    let by_function = Names::of_function(function);
    let by_function = (by_function != method).then(|| {
        quote! {
            fn #by_function(&self #(, #arguments)*) -> #krate::WorkerHandle #command {
                ::core::unimplemented!()
            }
        }
    });
    quote! {
        #standing
        #errors

        #[allow(warnings)]
        #vis trait #trait_name: #krate::Spawn {
            fn #method(&self #(, #arguments)*) -> #krate::WorkerHandle #command {
                #used
                ::core::unimplemented!()
            }
            #by_function
        }
        #[allow(warnings)]
        impl<__S: ?::core::marker::Sized + #krate::Spawn> #trait_name for __S {}
    }
}

/// Whether the type can be repeated: without the function's generics, of a known size, and named in full.
fn is_plain(ty: &TokenStream, generics: &[String]) -> bool {
    !mentions(ty, generics)
        && !mentions(ty, &["Self".to_owned()])
        && types::sized(ty).is_none()
        && !context::has_placeholder(ty)
}

/// A use of the source, so that its import is not reported as unused. Where it could not be read it may be that the built-in
/// one was imported for it: `IntentSource` is then the same item by two globs, which is no ambiguity.
fn used(options: &Options) -> TokenStream {
    if let Some(source) = &options.source {
        let path = &source.value;
        return quote!(let _ = #path;);
    }
    let krate = &options.home;
    quote! {
        mod __source {
            use super::*;
            use #krate::*;
            type __Source = IntentSource;
        }
    }
}

/// The generics with the lifetimes that should be there.
fn declared(function: &Function) -> Generics {
    let mut generics = function.generics.clone();
    for lifetime in function.undeclared_lifetimes() {
        generics.params.insert(0, GenericParam::Lifetime(LifetimeParam::new(lifetime)));
    }
    generics
}

/// As close to what was written as rustc accepts, so that nothing is reported twice.
fn standing(function: &Function, used: Option<&TokenStream>) -> TokenStream {
    let attrs = function.attrs.iter().filter(|attr| !check::is_worker(attr) && !check::is_entry_point(attr));
    let Function { vis, fn_token, name, parens, where_clause, .. } = function;
    let mut generics = declared(function);
    for param in &mut generics.params {
        match param {
            GenericParam::Type(param) => param.default = None,
            GenericParam::Const(param) => param.default = None,
            GenericParam::Lifetime(_) => {}
        }
    }
    let qualifiers = function.qualifiers.iter().filter(|qualifier| qualifier.keyword != "const");
    let qualifiers = qualifiers.map(|qualifier| {
        let (keyword, abi) = (&qualifier.keyword, &qualifier.abi);
        quote!(#keyword #abi)
    });
    let arguments =
        function.arguments.iter().filter(|argument| !matches!(argument.kind, ArgumentKind::Variadic));
    let arguments = arguments.map(standing_argument);
    let mut parenthesized = TokenStream::new();
    parens.surround(&mut parenthesized, |tokens| tokens.extend(quote!(#(#arguments),*)));
    let output = function.output.as_ref().map(|(arrow, ty)| quote!(#arrow #ty));
    let body = match (&function.body, used) {
        (body, _) if is_punct(body, ';') => quote!({ ::core::unimplemented!() }),
        // What stands in the context's place is of no use in the body; its import is.
        _ if function.context_type().is_some_and(context::has_placeholder) => {
            let ty = function.context_type().into_iter().flat_map(Clone::clone);
            let path = ty.take_while(|token| !is_punct(token, '<'));
            quote!({ use #(#path)* as _; ::core::unimplemented!() })
        }
        (TokenTree::Group(body), Some(used)) => {
            let body = body.stream();
            quote!({ #used #body })
        }
        (body, _) => body.to_token_stream(),
    };
    let function = quote! {
        #(#attrs)* #[allow(warnings)] #vis #(#qualifiers)* #fn_token #name #generics #parenthesized #output #where_clause #body
    };
    if name == "main" {
        // At the top of a crate an `async fn main` is an error of its own, and so is no `main` at all.
        return quote!(#[allow(warnings)] const _: () = { #function }; #[allow(dead_code)] fn #name() {});
    }
    function
}

fn standing_argument(argument: &Argument) -> TokenStream {
    match &argument.kind {
        // rustc has reported it before it called us, and would again.
        ArgumentKind::Unreadable => {
            let tokens: Vec<TokenTree> = argument.tokens.clone().into_iter().collect();
            match tokens.as_slice() {
                [TokenTree::Ident(name), colon, ..] if is_punct(colon, ':') => {
                    quote!(#name: impl ::core::marker::Sized)
                }
                _ => quote!(_: impl ::core::marker::Sized),
            }
        }
        ArgumentKind::Typed { ty, .. } => {
            let tokens = argument.tokens.clone();
            if mentions(ty, &["Self".to_owned()]) || (argument.is_context() && context::has_placeholder(ty)) {
                let length = ty.clone().into_iter().count();
                let kept = tokens.clone().into_iter().count() - length;
                let named = tokens.into_iter().take(kept);
                return named.chain(quote!(impl ::core::marker::Sized)).collect();
            }
            let owned = types::sized(ty);
            match owned {
                Some(owned) => {
                    let length = ty.clone().into_iter().count();
                    let kept = tokens.clone().into_iter().count() - length;
                    tokens.into_iter().take(kept).chain(owned).collect()
                }
                None if argument.is_context() => {
                    let swapped = context::swapped(ty).map(|(_, swapped)| swapped);
                    let length = ty.clone().into_iter().count();
                    let kept = tokens.clone().into_iter().count() - length;
                    match swapped {
                        Some(swapped) => tokens.into_iter().take(kept).chain(swapped).collect(),
                        None => borrow_forever(tokens),
                    }
                }
                None => tokens,
            }
        }
        _ => argument.tokens.clone(),
    }
}

/// `'static` in place of `'_`.
fn borrow_forever(tokens: TokenStream) -> TokenStream {
    let for_ever = |token| match token {
        TokenTree::Ident(ident) if ident == "_" => TokenTree::Ident(Ident::new("static", ident.span())),
        other => other,
    };
    let mut after_quote = false;
    let replace = |token: TokenTree| {
        let of_lifetime = after_quote;
        after_quote = is_punct(&token, '\'');
        if of_lifetime { for_ever(token) } else { token }
    };
    tokens.into_iter().map(replace).collect()
}

fn param_name(param: &GenericParam) -> String {
    match param {
        GenericParam::Lifetime(param) => param.lifetime.ident.to_string(),
        GenericParam::Type(param) => param.ident.to_string(),
        GenericParam::Const(param) => param.ident.to_string(),
    }
}
