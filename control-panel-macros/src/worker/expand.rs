//! What `#[worker]` becomes: the function as it was, then the trait that spawns it.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, GenericParam, Meta};

use super::body;
use super::check;
use super::docs;
use super::options::Options;
use super::parse::{ArgumentKind, Function};
use crate::args::Given;
use crate::errors::Errors;
use crate::support::{hidden_at, is_punct, mentions, pascal, plain};

/// The item as it came, beside the errors.
pub(crate) fn untouched(item: &TokenStream, errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    quote!(#item #errors)
}

pub(crate) fn worker(item: &TokenStream, function: &Function, options: &Options) -> TokenStream {
    let names = Names::new(function, options);
    let Names { krate, trait_name, method, .. } = &names;
    let vis = &function.vis;
    let shared = shared_attributes(function);
    let on_method = method_attributes(function);
    let trait_docs = docs::of_trait(function);
    let method_docs = docs::of_method(function, options);

    let context = function.context_type();
    let arguments = body::arguments(function);
    let parameters = arguments.iter().map(|(name, ty)| quote!(#name: #ty));
    let body = body::spawn(function, options, &names, &arguments);
    let command = options.inbox.as_ref().map(|Given { value: command, .. }| quote!(<#command>));

    // The generics are those of the context alone (`check::generics`), so the trait and its impl bear them.
    let params: Vec<_> = function.generics.params.iter().collect();
    let idents: Vec<&Ident> = function.generics.type_params().map(|param| &param.ident).collect();
    let trait_params = (!params.is_empty()).then(|| quote!(<#(#params),*>));
    let trait_args = (!idents.is_empty()).then(|| quote!(<#(#idents),*>));

    // A trait of that name elsewhere in the module is reported here: where the function is named.
    let keyword = quote_spanned!(hidden_at(method.span())=> trait);

    quote! {
        #item

        #(#shared)*
        #trait_docs
        #vis #keyword #trait_name #trait_params: #krate::__private::Spawns<#context> {
            #(#on_method)*
            #method_docs
            fn #method(&self #(, #parameters)*) -> #krate::WorkerHandle #command {
                #body
            }
        }
        #(#shared)*
        impl<#(#params,)* __S: ?::core::marker::Sized + #krate::__private::Spawns<#context>>
        #trait_name #trait_args for __S {}
    }
}

/// After an error: the function, as far as it can stand by itself, and a spawn method that takes its
/// arguments, so that what calls it is not reported as well.
///
/// The trait asks nothing of the context, which may be what is wrong.
pub(crate) fn fallback(function: &Function, options: &Options, errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    let standing = standing(function);
    if function.has_receiver() {
        // Inside an `impl`, where a trait cannot be.
        return quote!(#standing #errors);
    }
    let Names { krate, trait_name, method, .. } = Names::new(function, options);
    let vis = &function.vis;
    // Used, so that its import is not reported as unused.
    let source = options.source.as_ref().map(|given| &given.value).map(|path| quote!(let _ = #path;));
    let generics: Vec<String> = function.generics.params.iter().map(param_name).collect();
    let command = options.inbox.as_ref().map(|given| &given.value);
    let command = command.filter(|ty| !mentions(ty, &generics)).map(|ty| quote!(<#ty>));
    let arguments = body::arguments(function).into_iter().map(|(name, ty)| {
        if mentions(ty, &generics) { quote!(#name: impl ::core::marker::Sized) } else { quote!(#name: #ty) }
    });
    quote! {
        #standing
        #errors

        #[allow(warnings)]
        #vis trait #trait_name: #krate::Spawn {
            fn #method(&self #(, #arguments)*) -> #krate::WorkerHandle #command {
                #source
                ::core::unimplemented!()
            }
        }
        #[allow(warnings)]
        impl<__S: ?::core::marker::Sized + #krate::Spawn> #trait_name for __S {}
    }
}

/// The names that the function and its `name = …` give to what is generated. They are shown where the
/// function is named, so that a clash points there and "go to definition" leads there.
pub(super) struct Names {
    pub krate: TokenStream,
    trait_name: Ident,
    method: Ident,
    pub worker: Literal,
}

impl Names {
    fn new(function: &Function, options: &Options) -> Self {
        let name = options.name.as_ref().map_or(&function.name, |given| &given.value);
        let worker = plain(name);
        let words = worker.trim_matches('_');
        let span = hidden_at(name.span());
        Self {
            krate: options
                .krate
                .as_ref()
                .map_or_else(|| quote!(::control_panel), |given| given.value.to_token_stream()),
            trait_name: format_ident!("Spawn{}", pascal(words), span = span),
            method: format_ident!("spawn_{}", words, span = span),
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

fn param_name(param: &GenericParam) -> String {
    match param {
        GenericParam::Lifetime(param) => param.lifetime.ident.to_string(),
        GenericParam::Type(param) => param.ident.to_string(),
        GenericParam::Const(param) => param.ident.to_string(),
    }
}

/// The function without what rustc would refuse a second time.
fn standing(function: &Function) -> TokenStream {
    let attrs = function.attrs.iter().filter(|attr| !check::is_worker(attr) && !check::is_entry_point(attr));
    let Function { vis, fn_token, name, generics, parens, where_clause, .. } = function;
    let qualifiers = function.qualifiers.iter().filter(|qualifier| qualifier.keyword != "const");
    let qualifiers = qualifiers.map(|qualifier| {
        let (keyword, abi) = (&qualifier.keyword, &qualifier.abi);
        quote!(#keyword #abi)
    });
    let arguments =
        function.arguments.iter().filter(|argument| !matches!(argument.kind, ArgumentKind::Variadic));
    let arguments = arguments.map(|argument| match &argument.kind {
        // rustc has reported it before it called us, and would again.
        ArgumentKind::Unreadable => quote!(_: impl ::core::marker::Sized),
        _ => argument.tokens.clone(),
    });
    let mut parenthesized = TokenStream::new();
    parens.surround(&mut parenthesized, |tokens| tokens.extend(quote!(#(#arguments),*)));
    let output = function.output.as_ref().map(|(arrow, ty)| quote!(#arrow #ty));
    let body = if is_punct(&function.body, ';') {
        quote!({ ::core::unimplemented!() })
    } else {
        function.body.to_token_stream()
    };
    let function = quote! {
        #(#attrs)* #vis #(#qualifiers)* #fn_token #name #generics #parenthesized #output #where_clause #body
    };
    if name == "main" {
        // At the top of a crate an `async fn main` is an error of its own, and so is no `main` at all.
        return quote!(#[allow(warnings)] const _: () = { #function }; #[allow(dead_code)] fn #name() {});
    }
    function
}
