//! What `#[worker]` becomes: the function as it was, then the trait that spawns it.

use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, GenericParam, Meta};

use super::check;
use super::docs;
use super::options::Options;
use super::parse::{Argument, ArgumentKind, Function, Pattern};
use crate::args::duration_tokens;
use crate::errors::Errors;
use crate::support::{ends, hidden_at, is_punct, mentions, pascal, plain};

/// The item as it came, beside the errors.
pub(crate) fn untouched(item: &TokenStream, errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    quote!(#item #errors)
}

pub(crate) fn worker(item: &TokenStream, function: &Function, options: &Options) -> TokenStream {
    let names = Names::new(function, options);
    let Names { krate, trait_name, method, worker } = &names;
    let (vis, name) = (&function.vis, &function.name);
    let shared = shared_attributes(function);
    let on_method = method_attributes(function);
    let trait_docs = docs::of_trait(function);
    let method_docs = docs::of_method(function, options);

    let mut typed = function.typed();
    let context = typed.next().map(|(_, ty)| ty);
    let arguments: Vec<(Ident, &TokenStream)> =
        typed.enumerate().map(|(nth, (argument, ty))| (argument_name(argument, nth), ty)).collect();
    let cx = context_name(function, &arguments);
    let parameters = arguments.iter().map(|(name, ty)| quote!(#name: #ty));
    let passed =
        arguments.iter().map(|(name, ty)| if options.restarts() { again(name, ty) } else { quote!(#name) });
    let constructor = constructor(function, options);
    let run =
        format_ident!("run", span = hidden_at(context.and_then(ends).map_or(name.span(), |ends| ends.0)));
    let setters = setters(options);
    let source = options.source.as_ref().map(|given| &given.value);

    // The generics are those of the context alone (`check::generics`), so the trait and its impl bear them.
    let params: Vec<_> = function.generics.params.iter().collect();
    let names: Vec<&Ident> = function.generics.type_params().map(|param| &param.ident).collect();
    let trait_params = (!params.is_empty()).then(|| quote!(<#(#params),*>));
    let trait_args = (!names.is_empty()).then(|| quote!(<#(#names),*>));

    let keyword = quote_spanned!(hidden_at(method.span())=> trait);

    quote! {
        #item

        #(#shared)*
        #trait_docs
        #vis #keyword #trait_name #trait_params: #krate::__private::Spawns<#context> {
            #(#on_method)*
            #method_docs
            fn #method(&self #(, #parameters)*) -> #krate::WorkerHandle {
                use #krate::__private as __cp;
                let #run = #constructor(move |#cx| #name(#cx #(, #passed)*)) #setters;
                __cp::spawn(self, #worker, #source, #run)
            }
        }
        #(#shared)*
        impl<#(#params,)* __S: ?Sized + #krate::__private::Spawns<#context>> #trait_name #trait_args for __S {}
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
    let arguments = function.typed().skip(1).enumerate().map(|(nth, (argument, ty))| {
        let name = argument_name(argument, nth);
        if mentions(ty, &generics) { quote!(#name: impl ::core::marker::Sized) } else { quote!(#name: #ty) }
    });
    quote! {
        #standing
        #errors

        #[allow(warnings)]
        #vis trait #trait_name: #krate::Spawn {
            fn #method(&self #(, #arguments)*) -> #krate::WorkerHandle {
                #source
                ::core::unimplemented!()
            }
        }
        #[allow(warnings)]
        impl<__S: ?Sized + #krate::Spawn> #trait_name for __S {}
    }
}

/// The names that the function and its `name = …` give to what is generated. They are shown where the
/// function is named, so that a clash points there and "go to definition" leads there.
struct Names {
    krate: TokenStream,
    trait_name: Ident,
    method: Ident,
    worker: Literal,
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

/// The parameter of the spawn method: the argument's own name without its `mut`, resolved apart from the
/// user's names, so that it can neither shadow the function nor the source.
fn argument_name(argument: &Argument, nth: usize) -> Ident {
    match &argument.kind {
        ArgumentKind::Typed { pattern: Pattern::Name(name), .. } => {
            let mut name = name.clone();
            name.set_span(hidden_at(name.span()));
            name
        }
        ArgumentKind::Typed { pattern: Pattern::Wildcard(span), .. } => {
            format_ident!("argument_{}", nth + 1, span = hidden_at(*span))
        }
        _ => format_ident!("argument_{}", nth + 1, span = hidden_at(Span::call_site())),
    }
}

/// The closure's context bears the name it has in the function, which no other argument can have.
fn context_name(function: &Function, arguments: &[(Ident, &TokenStream)]) -> Ident {
    let first = function.typed().next().map(|(argument, _)| &argument.kind);
    if let Some(ArgumentKind::Typed { pattern: Pattern::Name(name), .. }) = first {
        return format_ident!("{name}", span = hidden_at(name.span()));
    }
    let mut name = "cx".to_owned();
    while arguments.iter().any(|(argument, _)| *argument == name) {
        name.push('_');
    }
    format_ident!("{name}", span = hidden_at(Span::call_site()))
}

/// One more copy of an argument for one more generation. The expression is made to span the argument's
/// type, because that is what has to change when it cannot be cloned.
fn again(name: &Ident, ty: &TokenStream) -> TokenStream {
    let Some((first, last)) = ends(ty) else { return quote!(__cp::again(&#name)) };
    let mut name = name.clone();
    name.set_span(hidden_at(last));
    let borrowed = quote_spanned!(hidden_at(first)=> &);
    quote!(__cp::again(#borrowed #name))
}

/// The path of what starts the worker, made to span what the function returns, or else its name: when rustc
/// refuses what it returns, or its future, that is what has to change.
fn constructor(function: &Function, options: &Options) -> TokenStream {
    let name = function.name.span();
    let (first, last) = function.output.as_ref().and_then(|(_, ty)| ends(ty)).unwrap_or((name, name));
    let module = quote_spanned!(hidden_at(first)=> __cp::Run::);
    let constructor = if options.restarts() { "repeat" } else { "once" };
    let constructor = format_ident!("{constructor}", span = hidden_at(last));
    quote!(#module #constructor)
}

/// The period of the runtime's own default.
pub(super) const DEFAULT_PERIOD: Duration = Duration::from_secs(10);
/// Long enough to spare a peer that is down, short enough for a person to wait for.
const DEFAULT_MAX_BACKOFF: Duration = Duration::from_secs(30);

fn setters(options: &Options) -> TokenStream {
    let mut setters = TokenStream::new();
    match options.restart.as_ref().map(|given| given.value) {
        Some("on_failure") => setters.extend(quote!(.restart(__cp::Restart::OnFailure))),
        Some("always") => setters.extend(quote!(.restart(__cp::Restart::Always))),
        _ => {}
    }
    if let Some(intensity) = &options.intensity {
        let restarts = Literal::u32_unsuffixed(intensity.value);
        let period = duration_tokens(options.period.as_ref().map_or(DEFAULT_PERIOD, |given| given.value));
        setters.extend(quote!(.intensity(__cp::Intensity::new(#restarts, #period))));
    }
    if let Some(base) = &options.backoff {
        let max =
            options.max_backoff.as_ref().map_or(DEFAULT_MAX_BACKOFF.max(base.value), |given| given.value);
        let (base, max) = (duration_tokens(base.value), duration_tokens(max));
        setters.extend(quote!(.backoff(__cp::Backoff::new(#base, #max))));
    }
    if options.cancel.as_ref().is_some_and(|given| given.value == "cooperative") {
        setters.extend(quote!(.cancel(__cp::Cancel::Cooperative)));
    }
    if let Some(grace) = &options.grace {
        let grace = duration_tokens(grace.value);
        setters.extend(quote!(.grace(#grace)));
    }
    setters
}

/// What has to hold for the trait and its impl if it holds for the function. `#[expect]` becomes `#[allow]`:
/// what the function does is not done again here.
fn shared_attributes(function: &Function) -> Vec<TokenStream> {
    let shared = |attr: &Attribute| {
        let path = attr.path();
        if path.is_ident("cfg") || path.is_ident("allow") || is_doc_hidden(attr) {
            return Some(attr.to_token_stream());
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

/// What the callers of the spawn method should see. On the method alone, `#[deprecated]` also excuses the
/// call of the deprecated function in it.
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
