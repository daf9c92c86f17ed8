//! What `#[worker]` becomes: the function as it was, then the trait that spawns it.

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, GenericParam, Meta};

use super::ast::Function;
use super::body;
use super::docs;
use super::options::Options;
use crate::args::Given;
use crate::editor;
use crate::support::{ends, hidden_at, pascal, plain};

pub(crate) fn worker(item: &[TokenTree], function: &Function, options: &Options) -> TokenStream {
    let names = Names::new(function, options);
    let Names { krate, trait_name, method, .. } = &names;
    let vis = &function.vis;
    let shared = shared_attributes(function);
    let on_method = method_attributes(function);
    let trait_docs = docs::of_trait(function);
    let method_docs = docs::of_method(function, options);

    let arguments = body::arguments(function);
    let parameters: Vec<_> = arguments.iter().map(|(name, ty)| quote!(#name: #ty)).collect();
    let body = body::spawn(function, options, &names, &arguments);
    let command = options.inbox.as_ref().map(|Given { value: command, .. }| quote!(<#command>));
    let spawns = spawns(function, options, krate);
    // Clippy counts the arguments of the function, where they can be changed.
    let many = (arguments.len() > 4).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    let lint = trait_name.to_string().contains('_').then(|| quote!(#[allow(non_camel_case_types)]));

    // The generics are those of the context alone (`check::generics`), so the trait and its impl bear them.
    let params: Vec<_> = function.generics.params.iter().collect();
    let idents: Vec<&Ident> = params.iter().filter_map(|param| param_ident(param)).collect();
    let trait_params = (!params.is_empty()).then(|| quote!(<#(#params),*>));
    let trait_args = (!idents.is_empty()).then(|| quote!(<#(#idents),*>));

    let signature = quote!(fn #method(&self #(, #parameters)*) -> #krate::WorkerHandle #command);
    let item = with_angles(item, function);
    quote! {
        #item

        #(#shared)*
        #trait_docs
        #lint
        #vis trait #trait_name #trait_params {
            #(#on_method)*
            #many
            #method_docs
            #signature;
        }
        #(#shared)*
        impl<__S: #spawns + ?::core::marker::Sized #(, #params)*> #trait_name #trait_args for __S {
            #signature {
                #body
            }
        }
    }
}

/// The function with `<>` behind its name. A type that is not there is looked for in the function, in the trait and in its impl: where rustc
/// could make it a parameter of the function, it would say so there, and report three errors for one. An editor gets the function
/// untouched.
fn with_angles(item: &[TokenTree], function: &Function) -> TokenStream {
    let is_fn = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word == "fn");
    let name = item.iter().position(is_fn).map_or(0, |at| at + 1);
    if function.generics.lt_token.is_some() || !editor::is_compiler() {
        return item.iter().cloned().collect();
    }
    let (before, after) = item.split_at(name + 1);
    let angles = angles_at(function.name.span());
    before.iter().cloned().chain(angles).chain(after.iter().cloned()).collect()
}

/// `<>` that no suggestion can be about.
fn angles_at(place: Span) -> TokenStream {
    quote_spanned!(hidden_at(place)=> <>)
}

/// `Spawns<Context<Update>>`, shown as the context's type is: what rustc refuses in both is refused in the same words at the
/// same place, and reported once.
fn spawns(function: &Function, options: &Options, krate: &TokenStream) -> TokenStream {
    let Some(context) = function.context_type() else { return quote!(#krate::__private::Spawns<()>) };
    let Some((first, last)) = ends(context) else { return quote!(#krate::__private::Spawns<#context>) };
    // A crate that is not there is reported where it is written, once.
    let open = if options.krate.is_some() {
        let open = quote_spanned!(first=> ::__private::Spawns<);
        quote!(#krate #open)
    } else {
        quote_spanned!(first=> ::control_panel::__private::Spawns<)
    };
    let close = quote_spanned!(last=> >);
    quote!(#open #context #close)
}

fn param_ident(param: &GenericParam) -> Option<&Ident> {
    match param {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
    }
}

/// The names that the function and its `name = …` give to what is generated. They are shown where the
/// function is named, so that a clash points there and "go to definition" leads there.
pub(super) struct Names {
    pub krate: TokenStream,
    pub trait_name: Ident,
    pub method: Ident,
    pub worker: Literal,
}

impl Names {
    /// The spawn method's name without a `name = …`.
    pub(super) fn of_function(function: &Function) -> Ident {
        let name = plain(&function.name);
        format_ident!("spawn_{}", name.trim_matches('_'), span = hidden_at(function.name.span()))
    }

    pub(super) fn new(function: &Function, options: &Options) -> Self {
        let name = options.name.as_ref().map_or(&function.name, |given| &given.value);
        let worker = plain(name);
        let words = worker.trim_matches('_');
        let span = hidden_at(name.span());
        Self {
            krate: options.home.clone(),
            trait_name: format_ident!("Spawn{}", pascal(words), span = span),
            // Not hidden: an editor leads from a call to the function alone, and not to the attribute as well.
            method: format_ident!("spawn_{}", words, span = name.span()),
            worker: Literal::string(&worker),
        }
    }
}

/// What has to hold for the trait and its impl if it holds for the function. `#[expect]` becomes `#[allow]`:
/// what the function does is not done again here. A deprecated function may be called by its own trait.
fn shared_attributes(function: &Function) -> Vec<TokenStream> {
    let shared = |attr: &Attribute| {
        let path = attr.path();
        if path.is_ident("cfg") || path.is_ident("allow") || is_doc_hidden(attr) {
            return Some(attr.to_token_stream());
        }
        if path.is_ident("deprecated") {
            return Some(quote!(#[allow(deprecated)]));
        }
        match &attr.meta {
            Meta::List(list) if path.is_ident("expect") => {
                let lints = &list.tokens;
                Some(quote!(#[allow(#lints)]))
            }
            _ => None,
        }
    };
    function.attrs.iter().filter_map(shared).collect()
}

fn is_doc_hidden(attr: &Attribute) -> bool {
    matches!(&attr.meta, Meta::List(list) if list.path.is_ident("doc") && list.tokens.to_string() == "hidden")
}

/// What the callers of the spawn method should see: that it is deprecated, as the function is.
fn method_attributes(function: &Function) -> impl Iterator<Item = &Attribute> {
    function.attrs.iter().filter(|attr| attr.path().is_ident("deprecated"))
}
